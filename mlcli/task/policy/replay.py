"""Experience replay (Lin 1992): a buffer of transitions to learn from, several times and in random order.

Shapes: B transitions, C capacity.
"""

import torch
from torch import Tensor

Batch = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


class Replay:
    """The last `capacity` transitions: inputs, actions, rewards, next inputs, and whether the episode terminated. New
    ones replace the oldest."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.added = 0  # transitions so far
        self.stored: list[Tensor] = []  # C × the shape of each tensor; empty before the first transition

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    def add(self, *transitions: Tensor) -> None:
        """Adds B transitions, as five tensors of B rows."""
        if not self.stored:
            self.stored = [each.new_zeros(self.capacity, *each.shape[1:]) for each in transitions]
        rows = torch.arange(self.added, self.added + len(transitions[0])) % self.capacity
        for stored, each in zip(self.stored, transitions, strict=True):
            stored[rows.to(stored.device)] = each
        self.added += len(transitions[0])

    def sample(self, count: int, generator: torch.Generator) -> Batch:
        """So many transitions, sampled uniformly with replacement."""
        rows = torch.randint(len(self), (count,), generator=generator).to(self.stored[0].device)
        inputs, actions, rewards, following, ended = (stored[rows] for stored in self.stored)
        return inputs, actions, rewards, following, ended

    def state_dict(self) -> dict[str, object]:
        return {"added": self.added, "stored": [stored[: len(self)] for stored in self.stored]}

    def load_state_dict(self, state: dict[str, object]) -> None:
        self.added, self.stored = 0, []
        kept: list[Tensor] = state["stored"]  # type: ignore[assignment]
        if kept:
            self.add(*kept)
        self.added = state["added"]  # type: ignore[assignment]
