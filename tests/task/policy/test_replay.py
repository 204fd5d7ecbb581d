"""The replay buffer."""

import pytest
import torch

from mlcli.task.policy.replay import Replay


def transitions(first: int, count: int) -> list[torch.Tensor]:
    numbers = torch.arange(first, first + count)
    return [numbers.float().unsqueeze(1), numbers, numbers.float(), numbers.float().unsqueeze(1), numbers % 2 == 0]


def test_new_transitions_replace_the_oldest_and_stay_whole() -> None:
    replay = Replay(capacity=5)
    for first in (0, 3, 6):
        replay.add(*transitions(first, 3))
    assert len(replay) == 5 and sorted(replay.stored[1].tolist()) == [4, 5, 6, 7, 8]
    inputs, actions, rewards, next_inputs, terminated = replay.sample(200, torch.Generator().manual_seed(0))
    assert set(actions.tolist()) == {4, 5, 6, 7, 8}
    assert torch.equal(inputs[:, 0], rewards) and torch.equal(rewards, actions.float())
    assert torch.equal(next_inputs, inputs) and torch.equal(terminated, actions % 2 == 0)


@pytest.mark.parametrize("count", [0, 3, 8])
def test_a_restored_buffer_continues_like_the_saved_one(count: int) -> None:
    replay, other = Replay(capacity=5), Replay(capacity=5)
    replay.add(*transitions(0, count)) if count else None
    other.load_state_dict(replay.state_dict())
    for buffer in (replay, other):
        buffer.add(*transitions(20, 2))
    assert torch.equal(replay.stored[1], other.stored[1]) and replay.added == other.added
