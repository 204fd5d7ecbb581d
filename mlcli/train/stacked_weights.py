"""The weights of K networks of the same build, each in a row of large tensors.

All trainable parameters of a row lie one after another in one "flat" tensor per parameter group of the optimizer:
an optimizer then does with one kernel what would take one for each parameter of each network.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

ALIGNED = 16  # numbers; vector kernels treat a tensor's ragged end otherwise, and a row must not depend on the others


class StackedWeights:
    """Parameters and buffers of K models by name, as views K × shape. `flats` are the trainable ones, K × length, and
    `gradients` theirs after `backward`.

    groups: the parameters of the first model as its optimizer groups them.
    """

    def __init__(self, models: Sequence[nn.Module], groups: Sequence[Sequence[Tensor]]) -> None:
        states = [{**dict(model.named_parameters()), **dict(model.named_buffers())} for model in models]
        name_of = {id(parameter): name for name, parameter in models[0].named_parameters()}
        self.names = [[name_of[id(parameter)] for parameter in group] for group in groups]
        self.shapes = [[parameter.shape for parameter in group] for group in groups]
        trained = {name for names in self.names for name in names}
        self.rest = {
            name: torch.stack([state[name].detach() for state in states]) for name in states[0] if name not in trained
        }
        flats = [torch.stack([_flatten([state[name] for name in names]) for state in states]) for names in self.names]
        self._lay_out(flats)

    def _lay_out(self, flats: list[Tensor]) -> None:
        self.flats = flats
        self.gradients = [torch.zeros_like(flat) for flat in flats]
        self.trained = {name: view.requires_grad_() for name, view in self._by_name(flats)}
        self.slots = dict(self._by_name(self.gradients))

    def _by_name(self, flats: Sequence[Tensor]) -> Iterator[tuple[str, Tensor]]:
        for flat, names, shapes in zip(flats, self.names, self.shapes, strict=True):
            for name, shape, piece in zip(names, shapes, pieces(flat, shapes), strict=True):
                yield name, piece.view(len(flat), *shape)

    def named(self) -> dict[str, Tensor]:
        """By name; gradients are those of `trained`."""
        return self.rest | self.trained

    def backward(self, loss: Tensor, add: bool) -> None:
        """Puts the gradients into `gradients`, or adds them to what is there: one copy each, where loss.backward()
        would first lay them out as the parameters are, and then join them on one core."""
        found = torch.autograd.grad(loss, list(self.trained.values()), materialize_grads=True)
        for name, gradient in zip(self.trained, found, strict=True):
            if add:
                self.slots[name].add_(gradient)
            else:
                self.slots[name].copy_(gradient)

    def floats(self) -> list[Tensor]:
        """All that a mean over updates is of: the flats, and buffers such as running statistics."""
        return [*self.flats, *(tensor for tensor in self.rest.values() if tensor.is_floating_point())]

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on with these rows. The flats are new tensors then."""
        at = torch.tensor(rows, device=self.flats[0].device)
        self._lay_out([flat[at] for flat in self.flats])
        self.rest = {name: tensor[at] for name, tensor in self.rest.items()}


def pieces(flat: Tensor, shapes: Sequence[torch.Size]) -> list[Tensor]:
    """The parameters of these shapes in a flat tensor whose last axis holds them, each still a line of numbers."""
    sizes = [size for shape in shapes for size in (shape.numel(), -shape.numel() % ALIGNED)]
    return list(torch.split(flat, sizes, -1)[::2])


def _flatten(parameters: Sequence[Tensor]) -> Tensor:
    padded = [nn.functional.pad(p.detach().reshape(-1), (0, -p.numel() % ALIGNED)) for p in parameters]
    return torch.cat(padded)
