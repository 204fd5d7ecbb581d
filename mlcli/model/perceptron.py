"""The perceptron (Rosenblatt 1958): one layer of units with a step function."""

from typing import Literal

from torch import Tensor, nn

from mlcli.traits import ModelTraits

MARGIN = 20.0  # logit of the active unit; softmax leaves e^-20 for each of the others


class Perceptron(nn.Module):
    """One unit per class; the unit with the largest weighted sum is active. Decision boundaries are linear.

    With activation=step the output is only which unit is active. The gradient of cross-entropy is then zero for
    correctly classified examples, and with optimizer=sgd and trainer.batch_size=1 an update is the perceptron rule
    for any number of classes: w of the true class + lr · x, w of the predicted class − lr · x. It converges after
    finitely many mistakes on linearly separable classes (Novikoff 1962), as of data=blobs, and never on others, as of
    data=xor, moons or spirals (Minsky and Papert 1969).

    With activation=sigmoid the outputs are the weighted sums, so that correctly classified examples have a gradient
    too: softmax regression, the same as model=linear. Raises ValueError for a single output.
    """

    traits = ModelTraits(accepts=("vector",))

    def __init__(
        self, input_shape: tuple[int, ...], outputs: int, *, activation: Literal["step", "sigmoid"] = "step"
    ) -> None:
        super().__init__()
        if outputs == 1:
            raise ValueError("A perceptron is for classification only: use model=linear.")
        (features,) = input_shape
        self.fires = Step() if activation == "step" else nn.Identity()
        self.head = nn.Linear(features, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × D → B × outputs, as logits."""
        logits: Tensor = self.fires(self.head(inputs))
        return logits


class Step(nn.Module):
    """`MARGIN` for the largest of each row and 0 for the others. The backward pass is that of the identity (a
    straight-through estimator, Bengio et al. 2013, arXiv 1308.3432), since the gradient of a step is zero."""

    def forward(self, sums: Tensor) -> Tensor:
        """B × C → B × C."""
        active = MARGIN * (sums >= sums.amax(1, keepdim=True)).to(sums.dtype)
        return sums + (active - sums).detach()
