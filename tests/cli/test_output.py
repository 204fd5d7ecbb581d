"""The output at the end of a command, and its hints to look at the runs."""

import ast
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mlcli.cli import output
from mlcli.cli.app import app
from mlcli.cli.output import print_line, print_table
from mlcli.cli.training import main

QUICK = ["-q", "data=iris", "model=linear", "trainer.epochs=1", "tracking.figures=false", "device=cpu"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("MLCLI_OUTPUTS", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No courier: what is printed does not depend on one."""

    class Nobody:
        def follow(self, folder: Path) -> None: ...

        def finish(self) -> str:
            return "nobody is there"

    monkeypatch.setattr("mlcli.track.tracking.start_courier", lambda *_: Nobody())


@pytest.mark.usefixtures("untracked")
@pytest.mark.parametrize(
    ("arguments", "ui"),
    [
        ([], "`mlcli ui`"),
        (["outputs=elsewhere"], "`mlcli ui --outputs elsewhere`"),
        (["tracking.uri=http://127.0.0.1:1"], "`mlcli ui --uri http://127.0.0.1:1`"),
        (["tracking=none"], None),
    ],
)
@pytest.mark.parametrize("sweep", [[], ["-m", "trainer.seed=0,1"]], ids=["run", "sweep"])
def test_the_last_line_is_a_command_that_works(
    arguments: list[str], ui: str | None, sweep: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main([*QUICK, *arguments, *sweep])
    printed = capsys.readouterr()
    last = printed.out.splitlines()[-1]
    if ui is None:
        assert "browser" not in printed.out and printed.err == ""
    else:
        assert "in the browser with" in last and last.endswith(ui)
        assert f"Use {ui.replace(' ui', ' sync')} to bring it up to date" in printed.err


def test_every_command_that_reads_runs_takes_outputs() -> None:
    main([*QUICK, "tracking=none", "outputs=elsewhere", "name=mine"])
    (folder,) = Path("elsewhere/runs").iterdir()
    for command in (["runs"], ["runs", "--json"], ["show"], ["evaluate", "last"], ["evaluate", "mine", "--json"]):
        done = CliRunner().invoke(app, [*command, "--outputs", "elsewhere"])
        assert done.exit_code == 0, done.output
        if "--json" in command and command[0] == "runs":
            assert [row["id"] for row in json.loads(done.stdout)] == [folder.name]
    for name in ("predict", "serve", "compare", "ui", "sync", "doctor"):
        assert "--outputs" in CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"}).output


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ([], "there is no run under nowhere: use `mlcli train` first, or --outputs FOLDER"),
        (["model=mlp"], "no run under nowhere matches"),
    ],
)
def test_nothing_to_list(filters: list[str], wanted: str) -> None:
    done = CliRunner().invoke(app, ["runs", *filters, "--outputs", "nowhere"])
    assert done.exit_code == 0 and done.stdout == "" and done.stderr.startswith(wanted)
    assert json.loads(CliRunner().invoke(app, ["runs", "--json", "--outputs", "nowhere"]).stdout) == []


def test_mlflows_own_name_of_the_experiment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "theirs")
    main([*QUICK, "tracking=none"])
    main([*QUICK, "tracking=none", "tracking.experiment=typed"])
    records = [json.loads(path.read_text()) for path in Path("outputs/runs").glob("*/run.json")]
    assert {record["tracking"]["experiment"] for record in records} == {"theirs", "typed"}


def test_a_table_shows_names_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(
        ("na\x1b[2Jme", "[red]b[/red]"),
        [("\x1b]0;title\x07a\nb", "[bold]x"), ("*c", None)],
        "t\x9bit[b]le",
        ("f\r", ""),
    )
    said = capsys.readouterr().out
    assert not set("\x1b\x07\x9b\r") & set(said)
    for shown in (r"na\x1b[2Jme", "[red]b[/red]", r"\x1b]0;title\x07a b", "[bold]x", r"t\x9bit[b]le", r"f\r"):
        assert shown in said


def test_a_line_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    print_line("run \x1b[8mhidden\nforged  FINISHED \ud800")
    assert capsys.readouterr().out == "run \\x1b[8mhidden forged  FINISHED \\ud800\n"


@pytest.mark.parametrize("name", ["compare", "crossval_table", "show", "sweep_table"])
def test_what_shows_runs_prints_by_no_other_way(name: str) -> None:
    tree = ast.parse(Path(output.__file__).with_name(f"{name}.py").read_text())
    called = {
        node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert "print" not in called


def test_what_cannot_be_written_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        main([*QUICK, "tracking=none", f"name={name}"])
    Path("file").touch()
    Path("in.csv").write_text("sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n5,3,2,1\n")
    for command in (
        ["compare", "one", "two", "-o", "nowhere/a.png"],
        ["compare", "one", "two", "--metric", "val/acc"],
        ["evaluate", "last", "--save", "file"],
        ["predict", "last", "in.csv", "-o", "nowhere/a.csv"],
    ):
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 2 and done.stdout == "", done.output
        assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    monkeypatch.setenv("HOME", str(Path("house").absolute()))
    Path("house").mkdir()
    assert CliRunner().invoke(app, ["compare", "one", "two", "--output=~/a.png"]).exit_code == 0
    assert CliRunner().invoke(app, ["predict", "last", "~/../in.csv", "--output=~/a.csv"]).exit_code == 0
    assert {"a.png", "a.csv"} <= {path.name for path in Path("house").iterdir()} and not Path("~").exists()


def test_doctor_and_a_wrong_store_write_nothing() -> None:
    from mlcli.run.doctor import _outputs

    assert "is writable" in _outputs(Path("nowhere/deep"))
    with pytest.raises(SystemExit) as end:
        main([*QUICK, "tracking.uri=nonsense"])
    assert end.value.code == 2 and not Path("nowhere").exists() and not Path("outputs").exists()


def test_a_reader_that_has_exited_ends_the_command_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in `mlcli train | head -2`."""

    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Closed())
    with pytest.raises(SystemExit) as ended:
        print_line("text")
    assert ended.value.code == 1
