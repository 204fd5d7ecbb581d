"""`mlcli show`, `compare` and `runs` in terminals: what is shown, and that it fits."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from rich.cells import cell_len
from typer.testing import CliRunner

from mlcli.cli import output, summary, sweep_settings, times
from mlcli.cli.app import app
from mlcli.cli.training import main

QUICK = [
    "-q",
    "data=iris",
    "model=linear",
    "tracking=none",
    "tracking.figures=false",
    "device=cpu",
    "trainer.epochs=2",
]
Screen = Callable[..., list[str]]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep, and two runs, whose classes and name are odd."""
    folder = tmp_path_factory.mktemp("o")
    main(["-m", *QUICK, f"outputs={folder}", "optimizer.lr=1e-3,1e-2,0.3", "trainer.batch_size=16,32"])
    for name in ("名前の長い実験" * 8, "b"):
        main([*QUICK, f"outputs={folder}", f"name='{name}'", "optimizer=momentum", "optimizer.lr=0.3"])
    return folder


@pytest.fixture
def screen(outputs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Screen:
    """The lines that a command prints on a terminal of a width; None is a pipe."""

    def run(width: int | None, *arguments: str) -> list[str]:
        for module in (output, summary):
            monkeypatch.setattr(module, "terminal_width", lambda: width)
        monkeypatch.setattr("mlcli.cli.side_by_side.terminal_width", lambda: width, raising=False)
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.chdir(tmp_path)
        done = CliRunner().invoke(app, [*arguments, "--outputs", str(outputs)])
        assert done.exit_code == 0, done.output
        return done.stdout.splitlines()

    return run


@pytest.mark.parametrize("command", [["runs"], ["runs", "--sort", "lr"], ["show", "b"], ["show"],
                                     ["show", "optimizer.lr=1e-2"], ["compare", "b", "lr=0.01"],
                                     ["compare", "model=linear"], ["show", "b", "--all"]])  # fmt: skip
@pytest.mark.parametrize("width", [40, 80, 120])
def test_it_fits(screen: Screen, outputs: Path, command: list[str], width: int) -> None:
    lines = screen(width, *command)
    in_tables = [line for line in lines if str(outputs) not in line and "use --all" not in line]
    if width >= 80 and "--all" not in command:  # a path and the name of a class are one word
        assert max(map(cell_len, in_tables)) <= width


def test_show_begins_with_what_was_typed_and_what_came_out(screen: Screen) -> None:
    lines = screen(None, "show", "b")
    assert lines[0].startswith("b  FINISHED  ")
    facts = dict(line.split("\t", 1) for line in lines[1:] if "\t" in line)
    assert list(facts)[:6] == ["command", "result", "duration", "size", "options", "device"]
    assert "test/accuracy" in facts["result"] and facts["result"].endswith(" of 2 by val/loss")
    assert facts["size"] == "15 parameters" and facts["seed"] == "0 (trainer.seed), 0 (split.seed)"
    assert facts["optimizer.lr"] == "0.3" and facts["trainer.epochs"] == "2"
    assert "trainer.batch_size" not in facts and not any(name.count("/") > 1 for name in facts if "/" in name)
    assert re.search(r"^\d+ settings at their defaults and 9 per-class metrics: use --all$", lines[-1])
    everything = dict(line.split("\t", 1) for line in screen(None, "show", "b", "--all")[1:] if "\t" in line)
    assert everything["trainer.batch_size"] == "32" and "test/f1/setosa" in everything


def test_all_of_a_sweep_is_what_was_swept_and_what_its_trials_share(screen: Screen, outputs: Path) -> None:
    (sweep,) = (outputs / "sweeps").iterdir()
    assert screen(None, "show", sweep.name)[-1].endswith("the settings that all trials share: use --all")
    lines = screen(None, "show", sweep.name, "--all")
    texts = dict(line.split("\t", 1) for line in lines if line.count("\t") == 1)
    assert texts["swept"] == "values" and texts["optimizer.lr"] == "0.001, 0.01, 0.3"
    assert texts["trainer.batch_size"] == "16, 32" and texts["trainer.epochs"] == "2"
    assert lines.index("settings of all trials") > lines.index("swept\tvalues")
    assert max(map(cell_len, screen(80, "show", sweep.name, "--all")[-30:])) <= 80
    many = [{"swept": {"optimizer.lr": number / 7, "name": f"x{number}"}} for number in range(1, 21)]
    numbers, names = map(sweep_settings._values, sweep_settings._swept(many).values())
    assert numbers == "20 values from 0.1429 to 2.8571" and names.endswith("x12 and 8 more")


def test_the_lines_of_a_long_command_are_one_for_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    command = "mlcli train -m model=lstm,gru 'name=two words' " + " ".join(f"key{n}=value" for n in range(20))
    lines = summary._command_lines(command, 50)
    assert max(map(len, lines)) <= 50 and shlex.split("\n".join(lines).replace("\\\n", "")) == shlex.split(command)
    assert summary._command_lines("it's no command", 5) == ["it's no command"]


def test_settings_of_a_run_without_choices_are_all_shown(screen: Screen, outputs: Path) -> None:
    """A run of an earlier version."""
    folder = outputs / "runs" / "20200101-000000-0a0a0a0a"
    folder.mkdir()
    record = {
        "id": folder.name,
        "name": "old",
        "status": "FINISHED",
        "started": 1.0,
        "ended": 3.0,
        "command": "mlcli",
    }
    (folder / "run.json").write_text(json.dumps(record | {"pid": 1, "host": "h", "parent": None}))
    (folder / "config.yaml").write_text(yaml.safe_dump({"trainer": {"batch_size": 32}}))
    assert "trainer.batch_size\t32" in screen(None, "show", "old")
    assert [row for row in screen(None, "runs", "-n", "0") if "\told\t" in row]


def test_compare_has_names_sizes_and_seconds(screen: Screen) -> None:
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in screen(None, "compare", "b", "lr=0.01")}
    assert rows["name"][0] == "b" and rows["parameters"] == ["15"] * 3 and len(set(rows["optimizer.lr"])) == 2
    assert all(float(value) > 0 for value in rows["seconds"]) and rows["optimizer"] == ["momentum", "adam", "adam"]
    wide = screen(80, "compare", "optimizer=adam")  # a row for each run
    start = next(place for place, line in enumerate(wide) if line.startswith("──"))
    assert len({len(line) for line in wide[start + 1 : start + 7]}) == 1 and "optimizer.lr" in wide[start - 1]


def test_a_sorted_column_is_shown(screen: Screen) -> None:
    (header, first, *_) = screen(None, "runs", "--sort", "lr")
    assert header.split("\t")[4] == "optimizer.lr" and first.split("\t")[4] == "0.001"
    for width in (40, 60, 80):
        text = " ".join(screen(width, "runs", "--sort", "val/loss")[:2])
        assert "val/" in text and "loss" in text


def test_a_list_that_was_cut_says_so(outputs: Path) -> None:
    done = CliRunner().invoke(app, ["runs", "-n", "2", "--outputs", str(outputs)])
    assert len(done.stdout.splitlines()) == 3 and "use -n 0 for all of them" in done.stderr


@pytest.mark.parametrize(
    ("passed", "text"),
    [(0.2, "0 s ago"), (59, "59 s ago"), (200, "3 min ago"), (7300, "2 h ago"), (90_000, "1 d ago")],
)
def test_times(passed: float, text: str) -> None:
    assert times.ago(1e9 - passed, now=1e9) == text
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", times.ago(1e9 - 40 * 86_400, now=1e9))
    assert [*map(times.duration, (0.25, 12.34, 200, 7300, 90_000))] == [
        "0.25 s", "12.3 s", "3 min 20 s", "2 h 1 min", "1 d 1 h",
    ]  # fmt: skip
