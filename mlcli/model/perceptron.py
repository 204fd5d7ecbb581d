"""The perceptron (Rosenblatt 1958): one layer of units, each of which fires or does not."""

from typing import Literal

from torch import Tensor, nn

from mlcli.traits import ModelTraits

CERTAIN = 20.0  # by so much the unit that fires is ahead: e^-20 is as good as no doubt


class Perceptron(nn.Module):
    """One unit a class, of which the one with the largest weighted sum fires: straight lines between classes.

    With activation=step a unit gives no more than whether it fires. Cross-entropy then pulls at the weights of
    mistaken examples alone, and with optimizer=sgd and trainer.batch_size=1 an update is Rosenblatt's rule, in its
    form for any number of classes: w of the true class + lr · x, w of the one that fired − lr · x. Where a straight
    line parts the classes, it ends after finitely many mistakes (Novikoff 1962), as on data=blobs; where none does,
    as on data=xor, moons or spirals, it never settles (Minsky and Papert 1969).

    With activation=sigmoid the loss sees how strongly a unit fires, and learns from right answers too: softmax
    regression, the same as model=linear. Raises ValueError for a single output, of which none can be the largest.
    """

    traits = ModelTraits(accepts=("vector",))

    def __init__(
        self, input_shape: tuple[int, ...], outputs: int, *, activation: Literal["step", "sigmoid"] = "step"
    ) -> None:
        super().__init__()
        if outputs == 1:
            raise ValueError("A perceptron tells classes apart and gives no number: use model=linear.")
        (features,) = input_shape
        self.fires = Step() if activation == "step" else nn.Identity()
        self.head = nn.Linear(features, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × D → B × outputs, as logits."""
        logits: Tensor = self.fires(self.head(inputs))
        return logits


class Step(nn.Module):
    """1 for the largest of each row, 0 for the others, times `CERTAIN`; backwards as if it were not there (a
    straight-through estimator, Bengio et al. 2013, arXiv 1308.3432), since a step has no slope."""

    def forward(self, sums: Tensor) -> Tensor:
        """B × C → B × C."""
        fired = CERTAIN * (sums >= sums.amax(1, keepdim=True)).to(sums.dtype)
        return sums + (fired - sums).detach()
