"""That the numbers of common stacks do not depend on the number of threads, and that no timing chooses it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.run.stacked import build_trials, stack_of
from mlcli.train.stack.stack import Stack
from tests.commands import sweep


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


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


def test_a_stack_has_the_threads_of_a_single_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many in every step, whatever steps take: for some layers the number changes the last bits."""
    monkeypatch.chdir(tmp_path)
    counts: set[int] = set()
    step = Stack.step

    def counted(self: Any, batch: Any) -> Any:
        counts.add(torch.get_num_threads())
        return step(self, batch)

    monkeypatch.setattr(Stack, "step", counted)
    monkeypatch.setattr("mlcli.machine.device.cores", lambda: 3)
    quick = ["tracking=none", "tracking.figures=false", "data=iris", "trainer.epochs=3", "device=cpu"]
    for threads, expected in (("null", 1), ("2", 2)):
        sweep([*quick, f"device.threads={threads}", "trainer.seed=0,1", "hydra/launcher=stack"])
        assert counts == {expected}
        counts.clear()
