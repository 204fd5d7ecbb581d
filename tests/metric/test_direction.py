"""Every metric states whether it is better small or large, and one that is neither cannot decide anything."""

import re
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from mlcli.cli.training import main
from mlcli.metric.direction import DIRECTIONS, check_directed, direction
from mlcli.renamed import METRICS
from mlcli.run.build import Parts, build
from mlcli.store.compare import best
from mlcli.store.find import all_runs
from mlcli.store.query import query
from mlcli.store.records import read_json
from mlcli.task.classification import Classification
from mlcli.train.protocols import Evaluation
from tests.configs import run_config
from tests.test_contract import CASES

EVERY = CASES | {
    "reduction": ["task=reduction"],
    "meta-classification": [
        *("task=meta_learning", "data=blobs", "data.classes=30", "model=mlp", "split.by=class", "task.ways=3")
    ],
}


SMALL = "loss val/loss train/loss test/log_loss rmse val/mae mse error val/triplet_loss val/inertia hamming_loss"


@pytest.mark.parametrize("name", [*SMALL.split(), "test/bits_per_word"])
def test_losses_and_errors_are_better_when_small(name: str) -> None:
    assert direction(name) == "min"


@pytest.mark.parametrize(
    "name",
    ["accuracy", "val/accuracy", "r2", "test/f1/loss", "roc_auc", "val/recall/error", "val/success_rate", "f1_macro"],
)
def test_scores_are_better_when_large(name: str) -> None:
    assert direction(name) == "max"


@pytest.mark.parametrize(
    "name",
    ["lr", "val/kl", "test/accuracy_margin_of_error", "val/episode_length", "gradient_norm/loss", "unheard_of"],
)
def test_all_else_is_neither(name: str) -> None:
    assert direction(name) is None


def test_renamed_metrics_have_a_direction() -> None:
    assert all(any(fnmatchcase(name, pattern) for pattern in DIRECTIONS) for name in METRICS.values())


def test_what_a_task_states_counts_first() -> None:
    assert direction("val/mine", {"mine": "max"}) == "max"
    assert direction("val/loss", {"*": "max"}) == "max"
    with pytest.raises(ValueError, match="val/kl: neither a small nor a large value"):
        check_directed("val/kl", {}, "trainer.monitor", "Mine")
    with pytest.raises(ValueError, match=r'val/mine: it is not known .* in the class Mine, as in .*"mine": "max"'):
        check_directed("val/mine", {}, "trainer.monitor", "Mine")


def parts_of(overrides: list[str]) -> Parts:
    return build(run_config("device=cpu", *overrides))


@pytest.mark.parametrize("overrides", EVERY.values(), ids=EVERY.keys())
def test_every_metric_of_every_task_is_listed(overrides: list[str]) -> None:
    parts = parts_of(overrides)
    names: set[str] = set()
    for batch in parts.task.batches(0):
        names |= set(parts.task.step(batch))
        break
    for split in ("val", "train"):
        if len(parts.data.splits[split]):
            names |= set(parts.task.evaluate(split, full=True).metrics)
    patterns = [pattern.replace("*", ".*") for pattern in DIRECTIONS]
    stripped = {name.removeprefix("train/") for name in names}
    assert {name for name in stripped if not any(re.fullmatch(each, name) for each in patterns)} == set()


class Mine(Classification):
    """With metrics of its own, one of which says in which direction it is better."""

    traits = replace(Classification.traits, directions={"hits": "max"})

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        evaluation = super().evaluate(split, full)
        accuracy = evaluation.metrics["accuracy"]
        evaluation.metrics |= {"hits": 100 * accuracy, "puzzle": 7.0}
        return evaluation


def test_a_tasks_own_metric_is_monitored_kept_and_ranked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    common = ["-q", f"task._target_={__name__}.Mine", "data=iris", "model=linear", "device=cpu", "tracking=none",
              "trainer.epochs=3", "optimizer.lr=0.3"]  # fmt: skip
    for monitor, words in (("val/puzzle", "is not known"), ("lr", "no such metric")):
        with pytest.raises(SystemExit) as ended:
            main([*common, f"trainer.monitor={monitor}"])
        assert ended.value.code == 2, words
        assert not (tmp_path / "outputs").exists()
    main([*common, "trainer.monitor=val/hits", "name=good"])
    main([*common, "trainer.monitor=val/hits", "name=poor", "optimizer.lr=1e-6"])
    runs = all_runs(tmp_path / "outputs")
    for run in runs:
        values = [record["metrics"]["val/hits"] for record in run.folder.history()]
        result = read_json(run.folder.path / "result.json")
        assert result["metrics"]["val/hits"] == max(values)
    names = [row["name"] for row in query(tmp_path / "outputs", [], "val/hits")]
    assert names == ["good", "poor"]
    assert best(runs)["val/hits"] == {1} and best(runs)["val/puzzle"] == set()  # newest first


def test_a_metric_that_is_neither_is_refused_before_a_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["-q", "-m", "task=reconstruction", "model=vae", "trainer.monitor=val/kl", "optimizer.lr=1e-3,1e-2",
              "device=cpu", "tracking=none"])  # fmt: skip
    assert ended.value.code == 2
    assert not (tmp_path / "outputs").exists()
