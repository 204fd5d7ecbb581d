"""With how many threads a stack computes, which is measured, and that its numbers do not depend on it."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.machine import threads as threads_module
from mlcli.machine.threads import LONGEST_PAUSE, TRIALS, FastestThreads
from mlcli.run.stacked import build_trials, stack_of
from mlcli.sweep import timing


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


class Machine:
    """A clock that only steps move, each by what it takes with the number of threads that there are."""

    def __init__(self, seconds: dict[int, float]) -> None:
        self.seconds = seconds
        self.now = 100.0

    def step(self, batch: Any) -> dict[str, Any]:
        self.now += self.seconds[torch.get_num_threads()]
        return {"loss": batch}


def test_steps_go_on_with_the_number_of_threads_that_is_fastest(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine({1: 0.02, 2: 0.01, 3: 0.03})
    monkeypatch.setattr(threads_module, "perf_counter", lambda: machine.now)
    step = FastestThreads(machine.step, [1, 2, 3])
    assert [step(batch) for batch in range(3 * TRIALS)] == [{"loss": batch} for batch in range(3 * TRIALS)]
    assert torch.get_num_threads() == 2
    machine.seconds |= {2: 0.04}  # another program has come
    for _ in range(3 * TRIALS + 30):
        step(0)
    assert torch.get_num_threads() == 1


def test_other_numbers_of_threads_are_tried_ever_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine({1: 0.02, 2: 0.01})
    monkeypatch.setattr(threads_module, "perf_counter", lambda: machine.now)
    step = FastestThreads(machine.step, [1, 2])
    slow = []
    while machine.now < 200.0:
        before = machine.now
        step(0)
        slow += [before] if machine.now - before > 0.015 else []
    assert len(slow) < 20 * TRIALS
    assert slow[-1] - slow[-1 - TRIALS] == pytest.approx(LONGEST_PAUSE, abs=0.1)


def test_a_stack_is_held_against_one_by_one_with_other_threads_where_all_are_too_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timing.devices, "cores", lambda: 3)
    with hydra_session() as hydra:
        cfgs = [to_run(compose(hydra, ["data=iris", f"trainer.seed={seed}"])) for seed in range(3)]
    parts = build_trials(cfgs)
    # Alone, such a model has one thread.
    for seconds, times in (({1: 0.2, 3: 0.1}, 6.0), ({1: 0.1, 3: 0.2}, 1.5), ({1: 0.1, 3: 0.4}, 3.0)):
        monkeypatch.setattr(
            timing, "_seconds_per_step", lambda task, device, known=seconds: known[torch.get_num_threads()]
        )
        assert timing.measure_speedup(parts, cfgs[0])[0] == pytest.approx(times)
    cfgs[0].device.threads = 3
    assert timing.measure_speedup(parts, cfgs[0])[0] == pytest.approx(3.0)


@pytest.mark.parametrize("model", ["mlp", "cnn", "gru"])
def test_threads_change_no_number(model: str) -> None:
    found = []
    for threads in (1, 2):
        with hydra_session() as hydra:
            words = ["data=digits", f"model={model}", "device=cpu"]
            cfgs = [to_run(compose(hydra, [*words, f"trainer.seed={seed}"])) for seed in range(4)]
        parts = build_trials(cfgs)
        torch.set_num_threads(threads)
        stack = stack_of(parts)
        for _, batch in zip(range(10), stack.batches(0), strict=False):
            stack.step(batch)
        found.append(stack.weights())
    assert all(torch.equal(value, found[1][name]) for name, value in found[0].items())
