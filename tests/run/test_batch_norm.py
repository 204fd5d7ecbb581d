"""Batch normalisation and batches of a single example."""

import pytest

from mlcli.config.errors import ConfigError
from mlcli.run.build import Parts, build
from tests.configs import run_config

NORM = ["data=breast_cancer", "model=mlp", "model.width=8", "model.norm=batch_norm"]


def parts_of(*overrides: str) -> Parts:
    return build(run_config("device=cpu", *overrides))


@pytest.mark.parametrize("resident", ["true", "false"])
@pytest.mark.parametrize("more", [["trainer.batch_size=20"], ["trainer.batch_size=34", "trainer.accumulate=17"]])
def test_a_last_batch_of_one_joins_the_one_before(more: list[str], resident: str) -> None:
    """341 training examples, 1 more than 17 · 20 and 10 · 34."""
    parts = parts_of(*NORM, *more, f"device.resident={resident}")
    batches = list(parts.task.batches(0))
    assert len(batches) == parts.steps_per_epoch
    assert sum(len(inputs) for inputs, _ in batches) == 341
    assert len(batches[-1][0]) in (21, 35)
    for batch in batches[-2:]:
        parts.task.step(batch)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["trainer.batch_size=1"], "trainer.batch_size=1 trainer.accumulate=1"),
        (["trainer.batch_size=4", "trainer.accumulate=4"], "trainer.batch_size=4 trainer.accumulate=4"),
        (["data=diabetes", "task=regression", "split.val=0.4", "split.test=0.5965"], "split of one example"),
    ],
)
def test_a_batch_of_one_that_was_asked_for_is_refused(more: list[str], told: str) -> None:
    with pytest.raises(ConfigError, match="batch normalisation cannot be trained on batches of one example") as error:
        parts_of(*NORM, *more)
    assert told in str(error.value)


def test_what_can_be_trained_on_one_example_is_not_refused() -> None:
    """Pictures have statistics over positions, and other norms over features."""
    one = "trainer.batch_size=1"
    for overrides in (["data=digits", "model=cnn", "model.width=2"], [*NORM, "model.norm=layer_norm"]):
        parts = parts_of(*overrides, one)
        parts.task.step(next(iter(parts.task.batches(0))))
