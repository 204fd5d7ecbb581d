"""`~` is the home folder however it is typed, and the paths of files are stored absolute."""

import subprocess
import sys
from pathlib import Path

import pytest

from mlcli.cli.training import main
from mlcli.config.arguments import parse
from mlcli.config.cache_dir import cache_folder
from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.config.errors import ConfigError
from mlcli.config.paths import make_absolute, typed
from mlcli.config.settings import Settings, settings
from mlcli.config.trials import TrialComposer
from mlcli.run.evaluate import evaluate_run
from mlcli.store.folder import RunFolder

TEXT = ["task=language_model", "data=characters", "model=gru", "model.hidden_size=4", "task.sample=0", "device=cpu",
        "data.length=20", "tracking=none", "trainer.epochs=1", "trainer.batch_size=128"]  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with a text in it, which is not the current folder."""
    home, here = tmp_path / "home", tmp_path / "here"
    for folder, text in ((home, "read me at home. "), (here, "me read at home. ")):
        folder.mkdir()
        (folder / "text.txt").write_text(text * 200)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    return home


def composed(*overrides: str) -> Settings:
    with hydra_session() as hydra:
        return to_run(compose(hydra, parse(overrides).overrides))


@pytest.mark.parametrize("text", ["data.path=~/text.txt", "data.path='~/text.txt'", 'data.path="~/text.txt"'])
def test_home_is_expanded_quoted_or_not(home: Path, text: str) -> None:
    assert composed(*TEXT, text).data.path == str(home / "text.txt")


def test_only_what_begins_a_value_is_expanded(home: Path) -> None:
    assert typed("data.path=~/a,~/b") == f"data.path={home}/a,{home}/b"
    assert typed("data.paths=[~/a,~]") == f"data.paths=[{home}/a,{home}]"
    for same in ("~model.dropout", "name=a~b", "name='=~/a'", "name=x~/y", "data.path=~nobody/x"):
        assert typed(same) == same


def test_the_home_of_an_unknown_user_is_no_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCLI_CACHE", "~nobody-here/cache")
    assert cache_folder() == Path("~nobody-here/cache")
    assert composed(*TEXT, "data.path='~nobody-here/x'").data.path == str(Path.cwd() / "~nobody-here/x")
    missing = pytest.raises(ConfigError, match=r"--config-dir ~nobody-here/conf: there is no such folder")
    with missing, hydra_session("~nobody-here/conf"):
        pass


def test_relative_paths_become_absolute_and_nothing_else_does(home: Path) -> None:
    here = Path.cwd()
    node = settings({
        "data": {"path": "text.txt", "target_file": "b/c", "folder": None, "name": "text.txt",
                 "parts": [{"path": "x"}], "val_path": ["x", "y"], "names": ["x"]},
        "model": {"init_from": "text.txt", "patch": "text.txt", "url_path": "https://x.org/y"},
        "pretrain": "last",
        "outputs": "outputs",
        "tracking": {"uri": "~/store"},
    })  # fmt: skip
    make_absolute(node)
    assert node == {
        "data": {"path": f"{here}/text.txt", "target_file": f"{here}/b/c", "folder": None, "name": "text.txt",
                 "parts": [{"path": f"{here}/x"}], "val_path": [f"{here}/x", f"{here}/y"], "names": ["x"]},
        "model": {"init_from": f"{here}/text.txt", "patch": "text.txt", "url_path": "https://x.org/y"},
        "pretrain": "last",
        "outputs": "outputs",
        "tracking": {"uri": f"{home}/store"},
    }  # fmt: skip


def test_trials_of_a_sweep_have_absolute_paths_too(home: Path) -> None:
    with hydra_session() as hydra:
        sweep = compose(hydra, parse([*TEXT, "data.path=text.txt,~/text.txt"]).overrides, multirun=True)
        composer = TrialComposer(hydra.config_loader, sweep)
        paths = [composer([*TEXT, f"data.path={path}"]).data.path for path in ("text.txt", f"{home}/text.txt")]
    assert paths == [str(Path.cwd() / "text.txt"), str(home / "text.txt")]


def test_a_run_is_evaluated_from_another_folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main(["-q", *TEXT, "data.path=text.txt", "outputs='~/runs'", "name=first"])
    assert not (Path.cwd() / "~").exists()
    (run,) = home.glob("runs/runs/*")
    assert RunFolder(run).config().data.path == str(Path.cwd() / "text.txt")
    monkeypatch.chdir(tmp_path)
    assert evaluate_run("first", home / "runs", [], None, None)["test/loss"] > 0
    monkeypatch.chdir(home)  # where text.txt is another one
    assert evaluate_run("first", home / "runs", ["data.path=text.txt"], "val", None)["val/loss"] > 0
    with pytest.raises(ConfigError, match=str(home / "nowhere.txt")):
        evaluate_run("first", home / "runs", ["data.path=~/nowhere.txt"], None, None)


def test_an_unquoted_home_reaches_the_command(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mlcli", "train", *TEXT, "data.path=~/text.txt", "outputs=~/runs", "--cfg", "job"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"path: {home}/text.txt" in done.stdout and f"outputs: {home}/runs" in done.stdout
