"""The weights of K networks of the same architecture, as rows of a few large tensors.

Per parameter group of the optimizer, the small trainable parameters of a network are concatenated in one row of a
"flat" tensor K × length; each large parameter has a flat tensor of its own. An optimizer then needs one kernel where
it would need one per parameter of each network.

Shapes: K trials (rows), L length of a flat tensor.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from mlcli.cannot_stack import CannotStack

# Elements. Vector kernels process the ragged end of a tensor differently, so each parameter is padded to a multiple:
# the numbers of a row must not depend on the other rows.
ALIGNED = 16
LARGE = 4096  # elements from which on copying a gradient costs more than one more kernel call


class StackedWeights:
    """Parameters and buffers of K models.

    groups: the parameters of the first model, by parameter group of its optimizer. transpose: whether the layout of
    large weights may be the faster one; otherwise each parameter is contiguous in its row, as in a model.
    flats: the trainable parameters as flat tensors K × L, a list per parameter group; gradients: theirs, after
    `backward`; without_gradient: the names of those that the loss does not depend on, whose gradients here are 0.
    names: the parameters in each flat tensor; ordered: those of each group, in its order. trained: the trainable
    parameters by name, as views K × shape of the flats; fixed: all other parameters and the buffers.
    """

    def __init__(
        self, models: Sequence[nn.Module], groups: Sequence[Sequence[Tensor]], transpose: bool = True
    ) -> None:
        states = [{**dict(model.named_parameters()), **dict(model.named_buffers())} for model in models]
        _require_separate(states[0])
        name_of = {id(tensor): name for name, tensor in states[0].items()}
        self.first_names = {name: name_of[id(tensor)] for name, tensor in _all_names(models[0])}
        self.shapes = {name: parameter.shape for name, parameter in models[0].named_parameters()}
        self.dtypes = {name: parameter.dtype for name, parameter in models[0].named_parameters()}
        # Large weights of linear layers are stored as in × out: the batched backward pass returns their gradients in
        # this layout, which then need no copy.
        weights = [module.weight for module in models[0].modules() if isinstance(module, nn.Linear)]
        linear = {name_of.get(id(weight), "") for weight in weights} & set(self.shapes)  # not if it is parametrised
        self.transposed = {name for name in linear if transpose and self._is_large(name)}
        self.ordered = [[name_of[id(parameter)] for parameter in group] for group in groups]
        self.names = [self._by_flat(names) for names in self.ordered]
        self.without_gradient: set[str] = set()
        trained = {name for group in self.names for names in group for name in names}
        self.fixed = {
            name: torch.stack([state[name].detach() for state in states]) for name in states[0] if name not in trained
        }
        stacked = {name: torch.stack([state[name].detach() for state in states]) for name in trained}
        self._lay_out([[self._flat(stacked, names) for names in group] for group in self.names])

    def _by_flat(self, names: Sequence[str]) -> list[list[str]]:
        """The parameters of a group by flat tensor: each large one alone, the small ones of a type together."""
        large = [name for name in names if self._is_large(name)]
        small: dict[torch.dtype, list[str]] = {}
        for name in names:
            if not self._is_large(name):
                small.setdefault(self.dtypes[name], []).append(name)
        return [*([name] for name in large), *small.values()]

    def _is_large(self, name: str) -> bool:
        return self.shapes[name].numel() >= LARGE and self.shapes[name].numel() % ALIGNED == 0

    def _flat(self, stacked: dict[str, Tensor], names: Sequence[str]) -> Tensor:
        """These parameters, each K × shape, as a flat tensor; a large one in the right layout is not copied."""
        oriented = [stacked[name].mT if name in self.transposed else stacked[name] for name in names]
        rows = [each.flatten(1) if each.ndim > 1 else each.unsqueeze(1) for each in oriented]
        if self._is_large(names[0]):
            return rows[0]
        return torch.cat([nn.functional.pad(row, (0, -row.shape[1] % ALIGNED)) for row in rows], 1)

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
        """Name and view, [K ×] shape, of each parameter in a flat tensor or in a row of it."""
        sizes = [size for name in names for size in (self.shapes[name].numel(), -self.shapes[name].numel() % ALIGNED)]
        for name, piece in zip(names, torch.split(flat, sizes, -1)[::2], strict=True):
            if name in self.transposed:
                yield name, piece.view(*flat.shape[:-1], *reversed(self.shapes[name])).mT
            else:
                yield name, piece.view(*flat.shape[:-1], *self.shapes[name])

    def named(self) -> dict[str, Tensor]:
        """All parameters and buffers by their first name, K × shape."""
        return self.fixed | self.trained

    def all_names(self) -> dict[str, Tensor]:
        """The same under all names of those that are shared, as in a state dict."""
        named = self.named()
        return {name: named[first] for name, first in self.first_names.items()}

    def backward(self, loss: Tensor, add: bool) -> None:
        """Computes the gradients of a loss, or adds them to the present ones. The gradient of a large parameter is
        the tensor that the backward pass returned, without a copy."""
        if not add:
            for leaf in self.trained.values():
                leaf.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        self.without_gradient = {name for name, leaf in self.trained.items() if leaf.grad is None}
        self.set_gradients(
            {name: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for name, leaf in self.trained.items()}
        )

    def set_gradients(self, found: dict[str, Tensor]) -> None:
        """Lays out the gradients by name, K × shape, as the weights are."""
        self.gradients = [[self._flat(found, names) for names in group] for group in self.names]

    def averaged_tensors(self) -> list[Tensor]:
        """The tensors that weight averaging averages: the flats and floating-point buffers (running statistics)."""
        flats = [flat for group in self.flats for flat in group]
        return [*flats, *(tensor for tensor in self.fixed.values() if tensor.is_floating_point())]

    def keep(self, rows: Sequence[int]) -> None:
        """Continues with these rows; the flats become new tensors."""
        at = torch.tensor(rows, device=self.flats[0][0].device)
        self._lay_out([[flat[at] for flat in group] for group in self.flats])
        self.fixed = {name: tensor[at] for name, tensor in self.fixed.items()}


def _all_names(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers, shared ones under each of their names."""
    yield from model.named_parameters(remove_duplicate=False)
    yield from model.named_buffers(remove_duplicate=False)


def _require_separate(tensors: Mapping[str, Tensor]) -> None:
    """Raises CannotStack for tensors in the same memory: as rows of a stack they would be separate ones."""
    places = []
    for name, tensor in tensors.items():
        if tensor.layout != torch.strided:
            raise CannotStack(f"{name} is not a dense tensor")
        if tensor.numel() and tensor.device.type != "meta":
            extent = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True)) + 1
            places.append((str(tensor.device), tensor.data_ptr(), extent * tensor.element_size(), name))
    for (device, start, length, name), (other_device, other_start, _, other) in pairwise(sorted(places)):
        if device == other_device and start + length > other_start:
            raise CannotStack(f"{name} and {other} share memory")
