"""Splits of one or two examples, or of one class, and codes of one number: a run ends well or is refused first."""

import json
from pathlib import Path
from typing import Any

import pytest

from mlcli.cli.training import main
from mlcli.loading import make_dataset

QUICK = ["tracking=none", "device=cpu", "trainer.epochs=1", "-q"]
HELD_OUT = ["split.val=0.2", "split.test=0.2"]
TASKS = {
    "classification": ["data=iris", "model=mlp"],
    "estimator": ["data=iris", "model=logistic_regression"],
    "regression": ["task=regression", "data=diabetes", "model=mlp"],
    "clustering": ["data=iris", "task=clustering", "model.clusters=2", *HELD_OUT],
    "reduction": ["data=iris", "task=reduction", "model.components=1", "task.tsne=true", *HELD_OUT],
    "reconstruction": ["data=iris", "task=reconstruction", "model.code=1", "task.tsne=true"],
    "multi_label": ["data=multi_label_toy", "task=multi_label", "model=mlp"],
    "sequence_labelling": ["data=brackets", "task=sequence_labelling", "model=gru"],
}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("task", TASKS)
def test_val_and_test_of_so_many_examples(
    task: str, count: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run has a result, and nothing is told as a fault: what is undefined is left out."""
    split = make_dataset.split

    def cut(*arguments: Any, **settings: Any) -> Any:
        whole = split(*arguments, **settings)
        return whole | {name: whole[name][:count] for name in ("val", "test")}

    monkeypatch.setattr(make_dataset, "split", cut)
    main([*QUICK, *TASKS[task]])
    assert capsys.readouterr().err == ""
    (folder,) = Path("outputs/runs").iterdir()
    found = json.loads((folder / "result.json").read_text())["metrics"]
    assert None not in found.values() and any(name.startswith("test/") for name in found)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([*TASKS["clustering"], "model.clusters=91"], "model.clusters=91: there are 90 examples to train on"),
        ([*TASKS["reduction"], "split.val=0.0", "split.test=0.0", "model.components=5"], "model.components=5"),
        (
            ["data=iris", "model=knn", "model.estimator.n_neighbors=91"],
            "n_neighbors=91: there are 90 training examples",
        ),
    ],
)
def test_more_than_there_are_examples_is_refused_before_anything_is_written(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main([*QUICK, *arguments])
    assert end.value.code == 2 and not Path("outputs").exists()
    assert said in capsys.readouterr().err
