"""docs/extending.md: each example works in a project outside the repository, with as few files as the page states."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from tests.console_blocks import commands, run, served, write_short_configs

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
FILE = re.compile(r"^`(?P<name>[\w./]+)`:\n\n```(?:python|yaml)\n(?P<text>.*?)^```", re.M | re.S)
STATED = dict(re.findall(r"^\| \[([\w ]+)\]\(#[\w-]+\) \| (\d+) \|$", PAGE, re.M))  # kind: files
SECTIONS = {text.partition("\n")[0]: text for text in re.split(r"^## ", PAGE, flags=re.M)[1:]}
MOST_FILES = 2


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("bin")) as path:
        yield path


class Project:
    """A project folder after the commands of an example."""

    def __init__(self, folder: Path, printed: str) -> None:
        self.folder, self.printed = folder, printed

    def json(self, pattern: str) -> list[Any]:
        """The files below outputs/ that match, in the order of their names."""
        return [json.loads(file.read_text()) for file in sorted((self.folder / "outputs").glob(pattern))]

    def started(self, pattern: str) -> list[Path]:
        """The folders of the records that match, in the order in which they started. Names have only seconds."""
        records = {file: json.loads(file.read_text()) for file in (self.folder / "outputs").glob(pattern)}
        return [file.parent for file in sorted(records, key=lambda file: str(records[file]["started"]))]

    def statuses(self) -> list[str]:
        return [record["status"] for record in (*self.json("**/run.json"), *self.json("**/sweep.json"))]


def model(project: Project) -> None:
    (weights,) = project.folder.glob("outputs/runs/*/model/weights.safetensors")
    with safe_open(weights, "pt") as tensors:
        assert tensors.get_slice("model.hidden.weight").get_shape() == [2 * 32, 13]
    assert len(project.json("sweeps/*/*/run.json")) == 2
    assert "as one stack" in project.printed


def data_set(project: Project) -> None:
    (data,) = project.json("runs/*/data.json")
    assert (data["name"], data["kind"], data["shape"], data["classes"]) == (
        "waves",
        "sequence",
        [50, 1],
        ["sine", "square"],
    )


def metric(project: Project) -> None:
    by_function, result = sorted(project.json("runs/*/result.json"), key=lambda each: each["monitor"])
    assert by_function["monitor"] == "val/kappa" and -1 <= by_function["metrics"]["test/kappa"] <= 1
    assert result["monitor"] == "val/profit" and {"val/profit", "test/profit"} <= result["metrics"].keys()
    (sweep,) = project.json("sweeps/*/trials.json")
    profits = {trial["trial"]: trial["metrics"]["val/profit"] for trial in sweep["trials"]}
    best = max(profits, key=profits.__getitem__)
    assert sweep["best_trial"] == best and profits[best] > min(profits.values())
    assert re.search(rf"^\*1\t{best}\t", project.printed, re.M)


def figure(project: Project) -> None:
    (figures,) = project.folder.glob("outputs/runs/*/figures")
    assert (figures / "errors_by_target.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((figures / "errors_by_target.json").read_text()).keys() == {"targets", "errors"}


def task(project: Project) -> None:
    (result,) = project.json("runs/*/result.json")
    assert result["metrics"]["test/within_1"] >= result["metrics"]["test/accuracy"] > 0.1
    (predictions,) = project.folder.glob("outputs/runs/*/predictions/test.csv")
    with predictions.open(newline="") as file:
        rows = list(csv.DictReader(file))
    right = [row["target"] == row["prediction"] for row in rows]
    assert sum(right) / len(right) == pytest.approx(result["metrics"]["test/accuracy"])
    assert re.search(r"val/within_1 +0\.\d+", project.printed)
    assert "as one stack" in project.printed


def loss(project: Project) -> None:
    margins, focal = project.started("sweeps/*/sweep.json")
    assert len(list(margins.glob("*/result.json"))) == 2 and len(project.json("runs/*/result.json")) == 1
    results = [json.loads((focal / str(trial) / "result.json").read_text()) for trial in range(3)]
    losses = [result["metrics"]["train/loss"] for result in results]
    assert losses == sorted(losses, reverse=True)  # (1 − p)^gamma falls with gamma
    assert "as one stack" in project.printed


def optimizer(project: Project) -> None:
    assert [result["metrics"]["lr"] for result in project.json("sweeps/*/*/result.json")] == [1e-3, 1e-4]


def schedule(project: Project) -> None:
    *_, last = project.started("runs/*/run.json")
    rates = [json.loads(line)["metrics"]["lr"] for line in (last / "metrics.jsonl").read_text().splitlines()]
    assert rates == pytest.approx([0.002 / epochs**0.5 for epochs in (1, 2, 3, 4)])


def launcher(project: Project) -> None:
    runs = sorted(project.json("sweeps/*/*/run.json"), key=lambda record: record["started"])
    assert [run["swept"]["trainer.epochs"] for run in runs] == [3, 2, 1]
    assert len(project.json("sweeps/*/trials.json")) == 1


def sweeper(project: Project) -> None:
    (sweep,) = project.json("sweeps/*/trials.json")
    rates = [trial["swept"]["optimizer.lr"] for trial in sweep["trials"]]
    assert len(set(rates)) == 4
    (record,) = project.json("sweeps/*/sweep.json")
    assert record["trials"] == 4


def experiment(project: Project) -> None:
    (conclusion,) = project.json("sweeps/*/answer.json")
    assert [width for width, _ in conclusion["rows"]] == [2, 8, 32]
    assert conclusion["sentence"] in project.printed
    assert re.search(r"width_effect\t.*accuracy above 0\.9", project.printed)


CHECKS: dict[str, Callable[[Project], None]] = {
    "Model": model,
    "Data set": data_set,
    "Metric": metric,
    "Figure": figure,
    "Task": task,
    "Loss": loss,
    "Optimizer": optimizer,
    "Schedule": schedule,
    "Launcher": launcher,
    "Sweeper": sweeper,
    "Experiment": experiment,
}


def test_each_kind_has_an_example() -> None:
    assert STATED.keys() == CHECKS.keys() <= SECTIONS.keys()
    assert len(FILE.findall(PAGE)) == sum(map(int, STATED.values()))


@pytest.mark.parametrize("kind", CHECKS)
def test_example_works_with_as_many_files_as_stated(kind: str, tmp_path: Path, path: str) -> None:
    files = list(FILE.finditer(SECTIONS[kind]))
    assert len(files) == int(STATED[kind]) <= MOST_FILES
    write_short_configs(tmp_path)
    for file in files:
        target = tmp_path / file["name"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file["text"], encoding="utf-8")
    printed = ""
    for command in commands(SECTIONS[kind]):
        done = run(command.text, tmp_path, path)
        assert done.returncode == 0, f"$ {command.text}\n{done.stdout}{done.stderr}"
        printed += done.stdout + done.stderr
    project = Project(tmp_path, printed)
    assert set(project.statuses()) <= {"FINISHED"}
    CHECKS[kind](project)
