"""The weights of K networks of the same build, each in a row of large tensors.

All trainable parameters of a row lie one after another in one "flat" tensor per parameter group of the optimizer:
an optimizer then does with one kernel what would take one for each parameter of each network.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

ALIGNED = 16  # numbers; vector kernels treat a tensor's ragged end otherwise, and a row must not depend on the others


class StackedWeights:
    """Parameters and buffers of K models by name, as views K × shape. `flats` are the trainable ones, K × length.

    groups: the parameters of the first model as its optimizer groups them.
    """

    def __init__(self, models: Sequence[nn.Module], groups: Sequence[Sequence[Tensor]]) -> None:
        states = [{**dict(model.named_parameters()), **dict(model.named_buffers())} for model in models]
        name_of = {id(parameter): name for name, parameter in models[0].named_parameters()}
        self.names = [[name_of[id(parameter)] for parameter in group] for group in groups]
        self.shapes = [[parameter.shape for parameter in group] for group in groups]
        self.flats = [
            torch.stack([_flatten([state[name] for name in names]) for state in states]).requires_grad_()
            for names in self.names
        ]
        trained = {name for names in self.names for name in names}
        self.rest = {
            name: torch.stack([state[name].detach() for state in states]) for name in states[0] if name not in trained
        }

    def named(self) -> dict[str, Tensor]:
        """By name; gradients flow back into the flats."""
        views = dict(self.rest)
        for flat, names, shapes in zip(self.flats, self.names, self.shapes, strict=True):
            for name, shape, piece in zip(names, shapes, pieces(flat, shapes), strict=True):
                views[name] = piece.view(len(flat), *shape)
        return views

    def floats(self) -> list[Tensor]:
        """All that a mean over updates is of: the flats, and buffers such as running statistics."""
        return [*self.flats, *(tensor for tensor in self.rest.values() if tensor.is_floating_point())]

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on with these rows. The flats are new tensors then."""
        at = torch.tensor(rows, device=self.flats[0].device)
        self.flats = [flat.detach()[at].requires_grad_() for flat in self.flats]
        self.rest = {name: tensor[at] for name, tensor in self.rest.items()}


def pieces(flat: Tensor, shapes: Sequence[torch.Size]) -> list[Tensor]:
    """The parameters of these shapes in a flat tensor whose last axis holds them, each still a line of numbers."""
    sizes = [size for shape in shapes for size in (shape.numel(), -shape.numel() % ALIGNED)]
    return list(torch.split(flat, sizes, -1)[::2])


def _flatten(parameters: Sequence[Tensor]) -> Tensor:
    padded = [nn.functional.pad(p.detach().reshape(-1), (0, -p.numel() % ALIGNED)) for p in parameters]
    return torch.cat(padded)
