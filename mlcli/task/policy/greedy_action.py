"""The greedy action, from the outputs of a network or of a table of values. B observations or states, A actions."""

from torch import Tensor, nn


class GreedyAction(nn.Module):
    """Outputs B × A → `prediction`, the index of the action with the highest one, and `values` B × A, or with softmax
    the `probabilities` of the actions."""

    def __init__(self, softmax: bool = False) -> None:
        super().__init__()
        self.softmax = softmax

    def forward(self, outputs: Tensor) -> dict[str, Tensor]:
        scores = outputs.float().softmax(1) if self.softmax else outputs.float()
        return {"prediction": scores.argmax(1), "probabilities" if self.softmax else "values": scores}
