"""Systems other than Linux, as far as one can have them here: without fork, fcntl, resource, signal masks, /proc and
folders that can be opened, in real processes; and terminals that cannot show every character."""

import ast
import json
import os
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HIDES = ROOT / "tests" / "fixtures" / "other_system"
QUICK = ["data=iris", "model=mlp", "model.width=8", "trainer.epochs=2", "device=cpu"]
Run = Callable[..., subprocess.CompletedProcess[str]]


def test_without_fork_fcntl_and_resource(tmp_path: Path, mlcli: Run) -> None:
    path = os.pathsep.join(filter(None, [str(HIDES), os.environ.get("PYTHONPATH")]))
    env = {"PYTHONPATH": path, "PYTHONWARNDEFAULTENCODING": "1", "USERNAME": "me"}

    def run(*words: str) -> str:
        done = mlcli(*words, cwd=tmp_path, **env)
        assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
        assert "MLflow is not complete" not in done.stderr
        return done.stdout

    run("train", *QUICK)
    run("train", "-m", *QUICK, "optimizer.lr=0.01,0.02", "hydra/launcher=stack")
    run("train", "-m", *QUICK, "optimizer.lr=0.01,0.02", "hydra/launcher=processes", "tracking.figures=false")
    (one,) = (tmp_path / "outputs" / "runs").iterdir()
    stack, _ = sorted((tmp_path / "outputs" / "sweeps").iterdir())
    assert list((one / "figures").glob("*.png")) and (stack / "figures").is_dir()
    assert list((stack).glob("[01]/figures/*.png")), "the best trial is plotted by the pool"
    listed = run("runs")
    assert listed.count("FINISHED") == 7 and "RUNNING" not in listed
    (one / ".mlflow.json").unlink()
    run("sync")
    with closing(sqlite3.connect(tmp_path / "outputs" / "mlflow.db")) as database:
        assert database.execute("SELECT COUNT(*) FROM runs WHERE status = 'FINISHED'").fetchone() == (8,)


def test_terminals_without_unicode(tmp_path: Path) -> None:
    """Whatever the encoding, no character ends a command; what the encoding lacks has an ASCII form."""
    for encoding, words in (
        ("ascii", ["train", *QUICK, "name='café'", "tracking=none", "tracking.figures=false"]),
        ("cp1252", ["runs"]),
        ("ascii", ["show", "last"]),
        ("cp437", ["train", "--help"]),
        ("ascii:xmlcharrefreplace", ["runs"]),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "mlcli", *words],
            cwd=tmp_path,
            env=os.environ | {"PYTHONIOENCODING": encoding},
            capture_output=True,
            check=False,
        )
        said = done.stdout.decode(encoding.partition(":")[0]) + done.stderr.decode(encoding.partition(":")[0])
        assert done.returncode == 0 and "UnicodeEncodeError" not in said and "\\x" not in said, said
        if words[0] == "train" and encoding == "ascii":
            assert "171 parameters | 90 / 30 / 30 examples | cpu, 1 thread" in said
        if encoding == "ascii:xmlcharrefreplace":
            assert "caf&#233;" in said
        if encoding == "cp1252":
            assert "café" in said


@pytest.mark.skipif(sys.platform == "win32", reason="closes streams by a shell")
def test_closed_streams(tmp_path: Path) -> None:
    words = shlex.join([sys.executable, "-m", "mlcli", "train", *QUICK, "tracking=none", "tracking.figures=false"])
    done = subprocess.run(["sh", "-c", f"{words} <&- >&- 2>&-"], cwd=tmp_path, check=False)
    assert done.returncode == 0
    (folder,) = (tmp_path / "outputs" / "runs").iterdir()
    assert json.loads((folder / "run.json").read_text())["status"] == "FINISHED"


OTHERS = ("os", "gzip", "tarfile", "Image", "zipfile", "webbrowser")  # whose `open` is not that of text


def unspecified(path: Path) -> list[int]:
    """Lines that open text in the encoding of the machine, which is not UTF-8 everywhere."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        of = getattr(getattr(node.func, "value", None), "id", "")
        given = {each.arg: each.value for each in node.keywords}
        texts = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        binary = any("b" in text for text in texts) or of in (
            "os",
            "gzip",
            "tarfile",
            "Image",
            "zipfile",
            "webbrowser",
        )
        binary |= name == "read_text" and bool(node.args)  # of a distribution's metadata
        opens = name in ("open", "fdopen", "read_text", "write_text", "TemporaryFile") and not binary
        if (opens or (name in ("run", "Popen") and "text" in given)) and "encoding" not in given:
            found.append(node.lineno)
    return found


def test_text_is_utf_8_on_every_machine() -> None:
    files = [*(ROOT / "mlcli").rglob("*.py"), *(ROOT / "hydra_plugins").rglob("*.py")]
    assert {str(path): lines for path in files if (lines := unspecified(path))} == {}


ELSEWHERE = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "msvcrt", "winreg"}
CALLS = {"fork", "killpg", "setsid", "getuid", "geteuid", "nice", "sched_getaffinity", "pread", "pwrite", "mkfifo",
         "O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY", "statvfs", "sysconf", "pthread_sigmask", "SIGKILL", "SIGHUP",
         "kill", "set_blocking", "windll"}  # fmt: skip


def test_one_module_knows_the_systems() -> None:
    """What some systems lack is used in `mlcli/system.py` alone."""
    found = {}
    for path in (ROOT / "mlcli").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        used = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in ("os", "signal")
        }
        if lacking := (imported & ELSEWHERE) | (used & CALLS):
            found[path.name] = lacking
    assert set(found) == {"system.py"}, found
