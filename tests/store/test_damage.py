"""Run folders that a power cut, or somebody else, has left: each is guarded by itself, and the others are there."""

import json
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from typer.testing import CliRunner

from mlcli.cli.app import app
from mlcli.figure.plot import Plot
from mlcli.store import record_schemas
from mlcli.track.courier import Courier
from mlcli.track.event_log import EventLog
from mlcli.track.mlflow_store import Store

CASES = 12  # for each file
SWEPT = {"optimizer.lr": 0.1, "trainer.seed": 0}
METRICS = {"val/loss": 0.5, "test/accuracy": 0.9, "test/roc_auc": None}


def record(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name, "name": name, "status": "FINISHED", "started": 1.7e9, "ended": 1.7e9 + 60,
        "command": "mlcli train", "host": "here", "pid": os.getpid(), "boot": "b", "process_started": 1,
        "parent": None, "trial": None, "swept": {}, "reason": None,
        "tracking": {"name": "both", "experiment": "tests"},
    } | more  # fmt: skip


def spread(mean: float) -> dict[str, Any]:
    return {"mean": mean, "std": 0.1, "low": 0.1, "high": 0.9, "count": 2}


TRIAL = {"trial": 0, "id": "s-0", "folder": "s/0", "status": "FINISHED", "reason": None, "seconds": 1.5}
CONTENT: dict[str, Any] = {
    "result.json": {
        "best_epoch": 2, "epochs": 2, "steps": 4, "seconds": 1.5, "monitor": "val/loss", "judged": "test",
        "stopped": None, "metrics": METRICS,
    },
    "data.json": {
        "name": "made", "digest": "abc", "source": "made", "kind": "vector", "target": "y", "shape": [2],
        "classes": ["x", "y"], "features": ["a", "b"], "examples": {"train": 5}, "vocabulary": [], "padded": False,
    },
    "environment.json": {"user": "ada", "git_commit": "f00", "device": "cpu"},
    "answer.json": {"sentence": "It is.", "columns": ["a", "b"], "rows": [["x", 1.0], ["y", None]], "figures": []},
    ".mlflow.json": {
        "uri": "", "offset": 0, "complete": False, "run_id": "0" * 32, "new_model_id": f"m-{'1' * 32}"
    },
    ".tensorboard.json": {"offset": 0, "complete": False},
    "trials.json": {
        "monitor": "val/loss", "best_trial": 0,
        "groups": [{
            "swept": {"optimizer.lr": 0.1}, "trials": [0, 1], "status": "FINISHED", "statuses": {"FINISHED": 2},
            "metrics": {"val/loss": {"mean": 0.5, "std": 0.1, "count": 2}},
        }],
        "trials": [TRIAL | {"swept": SWEPT, "metrics": METRICS}, TRIAL | {"trial": 1, "swept": SWEPT, "metrics": {}}],
    },
    "crossval.json": {
        "metric": "test/accuracy", "folds": 2, "repeats": 1, "by": "example", "sentence": "So it is.",
        "metrics": {"a/test/accuracy": 0.9},
        "configurations": [
            {"name": name, "swept": {}, "trials": [0, 1], "finished": 2, "test_over_train": 0.5,
             "unscored": [{"trial": 1, "fold": 1, "seed": 0, "reason": "killed"}],
             "scores": [0.9, None], "metrics": {"test/accuracy": spread(0.9), "seconds": spread(1.0)}}
            for name in ("a", "b")
        ],
        "comparisons": [
            {"name": "b", "than": "a", "difference": 0.1, "std": 0.1, "low": 0.0, "high": 0.2, "t": 1.0, "p": 0.4}
        ],
    },
}  # fmt: skip
LINES = [{"epoch": e, "step": e, "time": 1.7e9, "metrics": {"val/loss": 1 / e}} for e in (1, 2, 3)]
OF_SWEEPS = ("trials.json", "crossval.json", "answer.json")


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def make_run(folder: Path, **more: Any) -> None:
    write(folder / "run.json", record(folder.name, **more))
    for name in ("result.json", "data.json", "environment.json"):
        write(folder / name, CONTENT[name])
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in LINES))
    (folder / "config.yaml").write_text("optimizer: {lr: 0.1}\n")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two runs and a sweep, and an empty store."""
    outputs = tmp_path_factory.mktemp("template")
    for name in ("good", "other"):
        make_run(outputs / "runs" / name)
    sweep = outputs / "sweeps" / "s"
    for number in (0, 1):
        make_run(sweep / str(number), id=f"s-{number}", parent="s", trial=number, swept=SWEPT)
    write(sweep / "sweep.json", record("s", kind="sweep", trials=2, best_trial=0, drawn=[0]))
    (sweep / "config.yaml").write_text("tracking: {name: mlflow, uri: null}\noutputs: outputs\n")
    for name in OF_SWEEPS:
        write(sweep / name, CONTENT[name])
    with mock.patch.dict(os.environ):
        store = Store(outputs, "", "tests")
        _ = store.client
        store.close()
        yield outputs


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in nested lists and dictionaries."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(way for key, each in inner for way in paths(each, (*here, key)))]


ODD = (
    None,
    [],
    {},
    "",
    "\x1b[31mred\x1b[0m",
    -1,
    0,
    1e308,
    10**400,
    True,
    [[]],
    {"a": {}},
    "../../..",
    2.5,
    [None],
    "\ud800",
    "a\nb",
)


def replaced(content: Any, draw: random.Random) -> str:
    """With one value of another kind, or without it."""
    copy = json.loads(json.dumps(content))
    *way, last = draw.choice([way for way in paths(content) if way])
    node = copy
    for key in way:
        node = node[key]
    if draw.random() < 0.3:
        del node[last]
    else:
        node[last] = draw.choice(ODD)
    return json.dumps(copy)


def bytes_of(content: Any, draw: random.Random) -> bytes:
    """One of the ways in which a file can be wrong."""
    whole = json.dumps(content)
    kind = draw.randrange(9)
    if kind < 4:
        return replaced(content, draw).encode()
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: whole[: draw.randrange(len(whole))].encode(),  # cut off
        lambda: json.dumps(draw.choice(ODD)).encode(),  # something else
        lambda: whole.encode()[:-1] + bytes([draw.randrange(128, 256)]) + b"}",  # no UTF-8
        lambda: whole.replace(
            draw.choice(("0.1", "1.5", "2", "0")), draw.choice(("NaN", "-Infinity", "1e999"))
        ).encode(),
        lambda: draw.choice(("[", '{"a":')).encode() * draw.choice((60, 1000, 100_000)),  # deep
    )
    return ways[kind - 4]()


def check_commands(outputs: Path, name: str) -> None:
    """Each ends with status 0, or 2 and one line; the good run is listed as ever."""
    runner = CliRunner()
    for command in (
        ["runs", "--json", "--limit", "0"], ["runs"], ["runs", "--sort", "val/loss"], ["runs", "optimizer.lr=0.1"],
        ["show", "good"], ["show", name], ["show", "s"], ["show"],
        ["compare", "good", "other", "-o", str(outputs / "c.png")],
        ["compare", "s", "good", "-o", str(outputs / "c.png"), "--metric", "val/loss"],
    ):  # fmt: skip
        done = runner.invoke(app, [*command, "--outputs", str(outputs)])
        assert done.exception is None or isinstance(done.exception, SystemExit), (command, done.exception)
        assert done.exit_code in (0, 2), (command, done.output)
        assert "\x1b[31m" not in done.output
        if command[0] == "runs":
            assert done.exit_code == 0, done.output
        if command[:2] == ["runs", "--json"]:
            (row,) = [row for row in json.loads(done.stdout) if row["id"] == "good"]
            assert (row["status"], row["metrics"]["test/accuracy"]) == ("FINISHED", 0.9)
    done = runner.invoke(app, ["show", "good", "--outputs", str(outputs)])
    assert done.exit_code == 0 and "0.9" in done.stdout


def check_delivery(outputs: Path) -> None:
    """Every folder that can be delivered is, and no fault of one keeps another."""
    with mock.patch("traceback.print_exc"):
        courier = Courier(outputs, "", "tests")
        courier.finish(check=True)
    for delivery in courier.deliveries.values():
        delivery.release()
    state = json.loads((outputs / "runs" / "good" / ".mlflow.json").read_text())
    assert state["complete"]
    assert not [path for path in (outputs / "artifacts").glob("*") if len(path.name) != 32 and path.name != "models"]


FILES = [
    ("runs/other", "run.json", record("other")),
    ("sweeps/s", "sweep.json", record("s", kind="sweep", trials=2, best_trial=0, drawn=[0])),
    ("sweeps/s/1", "run.json", record("1", id="s-1", parent="s", trial=1, swept=SWEPT)),
    *(("runs/other", name, CONTENT[name]) for name in CONTENT if name not in OF_SWEEPS),
    *(("sweeps/s", name, CONTENT[name]) for name in (*OF_SWEEPS, ".mlflow.json")),
]


@pytest.mark.parametrize(("where", "name", "content"), FILES, ids=[f"{where}/{name}" for where, name, _ in FILES])
def test_a_damaged_file_concerns_its_own_run_alone(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, name: str, content: Any
) -> None:
    monkeypatch.setattr(Plot, "save_png", lambda self, path: path)  # plotting takes its time
    monkeypatch.setattr(EventLog, "acquire", lambda self: False)
    draw = random.Random(f"{where}/{name}")
    outputs = tmp_path / "outputs"
    for case in range(CASES):
        shutil.rmtree(outputs, ignore_errors=True)
        shutil.copytree(template, outputs)
        (outputs / where / name).write_bytes(bytes_of(content, draw))
        check_commands(outputs, Path(where).name if where.startswith("runs") else "s-1")
        if case % 4 == 0:
            check_delivery(outputs)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "{", '{"id": "x"}', "\xff", "[" * 100_000, "NaN", '"' * 3])
@pytest.mark.parametrize("name", ["run.json", "result.json"])
def test_a_damaged_run_is_listed_as_such(template: Path, tmp_path: Path, name: str, text: str) -> None:
    shutil.copytree(template, tmp_path / "o")
    (tmp_path / "o" / "runs" / "other" / name).write_bytes(text.encode("latin-1"))
    done = CliRunner().invoke(app, ["runs", "--json", "--outputs", str(tmp_path / "o")])
    statuses = {row["id"]: row["status"] for row in json.loads(done.stdout)}
    assert statuses == dict.fromkeys(("good", "s", "s-0", "s-1"), "FINISHED") | {"other": "DAMAGED"}
    shown = CliRunner().invoke(app, ["show", "other", "--outputs", str(tmp_path / "o")])
    assert shown.exit_code == 0 and f"reason\t{name}: " in shown.stdout
    compared = CliRunner().invoke(
        app, ["compare", "good", "other", "s", "--outputs", str(tmp_path / "o"), "-o", str(tmp_path / "c.png")]
    )
    assert "left out: other" in compared.stderr


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_a_record_that_is_no_file(template: Path, tmp_path: Path, kind: str) -> None:
    shutil.copytree(template, tmp_path / "o")
    path = tmp_path / "o" / "runs" / "other" / "run.json"
    path.rename(path.with_name("real.json"))
    make = {"pipe": lambda: os.mkfifo(path), "link": lambda: path.symlink_to("real.json"), "folder": path.mkdir}
    make[kind]()
    signal.alarm(20)  # a pipe would be waited for
    done = CliRunner().invoke(app, ["runs", "--json", "status=damaged", "--outputs", str(tmp_path / "o")])
    signal.alarm(0)
    assert [row["id"] for row in json.loads(done.stdout)] == ["other"]


@pytest.mark.parametrize("end", ["", "x", '{"epoch": 4', "\0\0\0\0", '{"epoch": "a"}\n', "[]\n", "NaN\n", "\xff\n"])
def test_lines_of_a_journal_that_are_none_are_left_out(template: Path, tmp_path: Path, end: str) -> None:
    """As a kill or a power cut leaves them."""
    shutil.copytree(template, tmp_path / "o")
    (tmp_path / "o" / "runs" / "other" / "result.json").unlink()
    with (tmp_path / "o" / "runs" / "other" / "metrics.jsonl").open("ab") as file:
        file.write(end.encode("latin-1"))
    done = CliRunner().invoke(app, ["runs", "--json", "other", "--outputs", str(tmp_path / "o")])
    (row,) = json.loads(done.stdout)
    assert row["metrics"] == {"val/loss": 1 / 3}


def test_what_mlcli_writes_is_sound() -> None:
    for name, content in CONTENT.items():
        assert record_schemas.RECORDS[name](content) is None
