"""The weights of K networks of the same build, each in a row of large tensors.

The small trainable parameters of a row lie one after another in one "flat" tensor per parameter group of the
optimizer, each large one in a flat tensor of its own: an optimizer then does with one kernel what would take one for
each parameter of each network.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

ALIGNED = 16  # numbers; vector kernels treat a tensor's ragged end otherwise, and a row must not depend on the others
LARGE = 4096  # numbers; of as many, to copy a gradient takes longer than one more call


class StackedWeights:
    """Parameters and buffers of K models by name, as views K × shape. `flats` are the trainable ones, K × length, as
    lists for each of the optimizer's groups; `gradients` are theirs after `backward`.

    groups: the parameters of the first model as its optimizer groups them.
    """

    def __init__(self, models: Sequence[nn.Module], groups: Sequence[Sequence[Tensor]]) -> None:
        states = [{**dict(model.named_parameters()), **dict(model.named_buffers())} for model in models]
        name_of = {id(parameter): name for name, parameter in models[0].named_parameters()}
        self.shapes = {name: parameter.shape for name, parameter in models[0].named_parameters()}
        # A linear layer's large weights lie as in × out: a backward pass of many layers gives their gradient so.
        linear = [name_of[id(module.weight)] for module in models[0].modules() if isinstance(module, nn.Linear)]
        self.turned = {name for name in linear if self._is_large(name)}
        self.names = [self._sharing([name_of[id(parameter)] for parameter in group]) for group in groups]
        trained = {name for group in self.names for names in group for name in names}
        self.rest = {
            name: torch.stack([state[name].detach() for state in states]) for name in states[0] if name not in trained
        }
        stacked = {name: torch.stack([state[name].detach() for state in states]) for name in trained}
        self._lay_out([[self._flat(stacked, names) for names in group] for group in self.names])

    def _sharing(self, names: Sequence[str]) -> list[list[str]]:
        """The names that share a flat tensor, for each such tensor."""
        large = [name for name in names if self._is_large(name)]
        small = [name for name in names if not self._is_large(name)]
        return [*([name] for name in large), *([small] if small else [])]

    def _is_large(self, name: str) -> bool:
        return self.shapes[name].numel() >= LARGE and self.shapes[name].numel() % ALIGNED == 0

    def _flat(self, stacked: dict[str, Tensor], names: Sequence[str]) -> Tensor:
        """These parameters, K × shape, as a flat tensor; a large one that lies as it does there is not copied."""
        turned = [stacked[name].mT if name in self.turned else stacked[name] for name in names]
        lines = [each.flatten(1) if each.ndim > 1 else each.unsqueeze(1) for each in turned]
        if self._is_large(names[0]):
            return lines[0]
        return torch.cat([nn.functional.pad(line, (0, -line.shape[1] % ALIGNED)) for line in lines], 1)

    def _lay_out(self, flats: list[list[Tensor]]) -> None:
        self.flats = flats
        self.gradients: list[list[Tensor]] = []
        self.trained = {
            name: view.requires_grad_()
            for group, names_of_group in zip(flats, self.names, strict=True)
            for flat, names in zip(group, names_of_group, strict=True)
            for name, view in self.parameters(flat, names)
        }

    def parameters(self, flat: Tensor, names: Sequence[str]) -> Iterator[tuple[str, Tensor]]:
        """The parameters in a flat tensor, or in a row of it, by name and in their shapes."""
        sizes = [size for name in names for size in (self.shapes[name].numel(), -self.shapes[name].numel() % ALIGNED)]
        for name, piece in zip(names, torch.split(flat, sizes, -1)[::2], strict=True):
            if name in self.turned:
                yield name, piece.view(*flat.shape[:-1], *reversed(self.shapes[name])).mT
            else:
                yield name, piece.view(*flat.shape[:-1], *self.shapes[name])

    def named(self) -> dict[str, Tensor]:
        """By name; gradients are those of `trained`."""
        return self.rest | self.trained

    def backward(self, loss: Tensor, add: bool) -> None:
        """Puts the gradients into `gradients`, or adds them to what is there. That of a large parameter is what the
        backward pass has made, without a copy."""
        if not add:
            for leaf in self.trained.values():
                leaf.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        found = {
            name: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for name, leaf in self.trained.items()
        }
        self.gradients = [[self._flat(found, names) for names in group] for group in self.names]

    def floats(self) -> list[Tensor]:
        """All that a mean over updates is of: the flats, and buffers such as running statistics."""
        flats = [flat for group in self.flats for flat in group]
        return [*flats, *(tensor for tensor in self.rest.values() if tensor.is_floating_point())]

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on with these rows. The flats are new tensors then."""
        at = torch.tensor(rows, device=self.flats[0][0].device)
        self._lay_out([[flat[at] for flat in group] for group in self.flats])
        self.rest = {name: tensor[at] for name, tensor in self.rest.items()}
