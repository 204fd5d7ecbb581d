"""README and docs: the console blocks marked as runnable run, links lead somewhere, lines are of a readable length.

A block is run if a line `<!-- runnable -->` stands before it. The blocks of a page run one after the other in one
folder, whose conf/ makes trainings short; `<!-- setup: COMMAND -->` does what the page takes for granted. A command
has to end with status 0, or with that of the error that the page shows beneath it, where … stands for anything.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mlcli.cli.errors import FAILED, INTERRUPTED, TERMINATED, WRONG_INPUT

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from docs_server import write_client  # noqa: E402

PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(ROOT.glob("docs/**/*.md"))
GENERATED = {ROOT / "docs" / "gallery" / "README.md"}  # whose sentences are one line each
WIDTH = 100
SETUP, RUNNABLE_BLOCK = r"<!-- setup:\s(?P<setup>.*?)\s-->", r"<!-- runnable -->\n```console\n(?P<block>.*?)^```"
MARKED = re.compile(f"^(?:{SETUP}|{RUNNABLE_BLOCK})", re.S | re.M)
STATUS = {"error:": WRONG_INPUT, "failed:": FAILED}
SECONDS = 120  # of one command


@dataclass
class Command:
    text: str
    shown: list[str] = field(default_factory=list)  # the lines beneath it

    @property
    def failure(self) -> str:
        """The error that the page shows, if it does."""
        return next((line for line in self.shown if line.startswith(tuple(STATUS))), "")


def commands(page: Path) -> list[Command]:
    found: list[Command] = []
    for match in MARKED.finditer(page.read_text(encoding="utf-8")):
        if match["setup"]:
            found.append(Command(match["setup"]))
            continue
        lines = re.sub(r"\\\n", " ", match["block"]).splitlines()
        assert lines[0].startswith("$ "), f"{page.name}: a runnable block starts with $, not {lines[0]!r}"
        for line in lines:
            if line.startswith("$ "):
                found.append(Command(line.removeprefix("$ ")))
            else:
                found[-1].shown.append(line)
    return found


RUNNABLE = [page for page in PAGES if commands(page)]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PATH whose `mlcli` is served by one process that has loaded torch."""
    folder = tmp_path_factory.mktemp("bin")
    address = str(folder / "socket")
    write_client(folder / "mlcli", address)
    command = [sys.executable, str(ROOT / "tests" / "docs_server.py"), address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout and server.stdout.readline() == "ready\n"
        yield f"{folder}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        server.terminate()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder whose own configs make trainings short, and report to nobody."""
    trainer = (ROOT / "conf" / "trainer" / "default.yaml").read_text(encoding="utf-8")
    short = re.sub(r"^epochs: \d+", "epochs: 1", trainer, flags=re.M)
    assert short != trainer
    tracking = (ROOT / "conf" / "tracking" / "none.yaml").read_text(encoding="utf-8")
    silent = re.sub(r"^figures: true", "figures: false", tracking, flags=re.M)
    assert silent != tracking
    for name, text in (("trainer/default", short), ("tracking/mlflow", silent)):
        file = tmp_path / "conf" / f"{name}.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


def run(command: str, work: Path, path: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PATH": path, "COLUMNS": "200", "OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
    return subprocess.run(
        ["bash", "-c", command], cwd=work, env=env, capture_output=True, text=True, timeout=SECONDS, check=False
    )


@pytest.mark.parametrize("page", RUNNABLE, ids=[str(page.relative_to(ROOT)) for page in RUNNABLE])
def test_commands_end_as_the_page_says(page: Path, work: Path, path: str) -> None:
    for command in commands(page):
        done = run(command.text, work, path)
        wanted = next((status for word, status in STATUS.items() if command.failure.startswith(word)), 0)
        assert done.returncode == wanted, f"$ {command.text}\n{done.stdout}{done.stderr}"
        assert not command.failure or shows(done.stderr, command.failure), f"$ {command.text}\n{done.stderr}"


def shows(output: str, line: str) -> bool:
    """Whether a line of the output is the one that the page shows."""
    pattern = ".*".join(re.escape(part) for part in line.split("…"))
    return any(re.fullmatch(pattern, each.rstrip()) for each in output.splitlines())


EXAMPLE = re.compile(r"^\| (?P<status>\d+) \|.*\| `(?P<command>mlcli [^`]+)`(?:, then (?P<signal>\S+))? *\|$", re.M)
SIGNALS = {"Ctrl-C": signal.SIGINT, "`kill`": signal.SIGTERM}


def test_exit_codes_are_those_of_the_table(work: Path, path: str) -> None:
    rows = list(EXAMPLE.finditer((ROOT / "docs" / "exit_codes.md").read_text(encoding="utf-8")))
    assert [int(row["status"]) for row in rows] == [0, FAILED, WRONG_INPUT, INTERRUPTED, TERMINATED]
    for row in rows:
        command = f"exec {sys.executable} -m {row['command']}"
        if not row["signal"]:
            assert run(row["command"], work, path).returncode == int(row["status"]), row["command"]
            continue
        with subprocess.Popen(["bash", "-c", command], cwd=work, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr
            next(line for line in process.stderr if line.startswith("epoch"))
            process.send_signal(SIGNALS[row["signal"]])
            process.communicate(timeout=SECONDS)
        assert process.returncode == int(row["status"]), row["command"]


def test_an_error_is_compared_with_gaps() -> None:
    assert shows("noise\nerror: a|b|c is wrong\n", "error: a|…|c is wrong")
    assert not shows("error: a|b|c is wrong, and more\n", "error: a|…|c is wrong")


def test_what_is_marked_is_found() -> None:
    assert {"README.md", "sweeps.md", "serving.md"} <= {page.name for page in RUNNABLE}
    marked = sum(page.read_text(encoding="utf-8").count("<!-- runnable -->\n") for page in PAGES)
    blocks = sum(
        bool(match["block"]) for page in PAGES for match in MARKED.finditer(page.read_text(encoding="utf-8"))
    )
    assert marked == blocks, "<!-- runnable --> has to stand right before a console block"


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text(encoding="utf-8"))):
        file = target.partition("#")[0]
        if file and not re.match(r"[a-z]+:", file):
            assert (page.parent / file).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_lines_wrap(page: Path) -> None:
    lines = without_code(page.read_text(encoding="utf-8")).splitlines() if page not in GENERATED else []
    for number, line in enumerate(lines, 1):
        unbreakable = line.startswith("|") or "](" in line
        assert len(line) <= WIDTH or unbreakable, f"{page.name}:{number} has {len(line)} columns: wrap it at {WIDTH}"


def without_code(text: str) -> str:
    """The same lines, those of code blocks and comments empty."""
    blank = lambda match: "\n" * match[0].count("\n")  # noqa: E731
    return re.sub(r"^```.*?^```$|<!--.*?-->", blank, text, flags=re.S | re.M)
