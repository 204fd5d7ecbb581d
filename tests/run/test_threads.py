"""With how many threads a stack computes, which is measured, and that its numbers do not depend on it."""

from collections.abc import Iterator

import pytest
import torch

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.run import device as devices
from mlcli.run.together import build_together, stack_of, use_threads
from mlcli.sweep import choice


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("slow", "chosen"), [(1, 3), (3, 1)])
def test_a_stack_gets_the_number_of_threads_that_is_fastest(
    monkeypatch: pytest.MonkeyPatch, slow: int, chosen: int
) -> None:
    monkeypatch.setattr(devices, "cores", lambda: 3)
    monkeypatch.setattr(
        choice, "_seconds_a_step", lambda task, device, steps: 0.2 if torch.get_num_threads() == slow else 0.1
    )
    with hydra_session() as hydra:
        cfgs = [to_run(compose(hydra, ["data=iris", f"trainer.seed={seed}"])) for seed in range(3)]
    parts = build_together(cfgs)
    times, measured = choice.gain(parts, cfgs[0])
    assert [each.threads for each in parts] == [chosen] * 3
    assert (times, measured) == (pytest.approx(3 * (0.2 if slow == 1 else 0.1) / 0.1), measured)
    cfgs[0].device.threads = 2
    choice.gain(parts, cfgs[0])
    assert [each.threads for each in parts] == [2] * 3


@pytest.mark.parametrize("model", ["mlp", "cnn", "gru"])
def test_threads_change_no_number(model: str) -> None:
    found = []
    for threads in (1, 2):
        with hydra_session() as hydra:
            words = ["data=digits", f"model={model}", "device=cpu"]
            cfgs = [to_run(compose(hydra, [*words, f"trainer.seed={seed}"])) for seed in range(4)]
        parts = build_together(cfgs)
        use_threads(parts, threads)
        stack = stack_of(parts)
        for _, batch in zip(range(10), stack.batches(0), strict=False):
            stack.step(batch)
        found.append(stack.weights())
    assert all(torch.equal(value, found[1][name]) for name, value in found[0].items())
