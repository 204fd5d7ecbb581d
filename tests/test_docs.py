"""README and docs: the console blocks marked as runnable run, links lead to files, lines wrap.

The blocks of a page run one after the other in one folder, whose conf/ makes trainings short. A command has to end
with status 0, or with that of the error that the page shows below it. docs/extending.md has a test of its own.
"""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from mlcli import renamed
from mlcli.cli.errors import FAILED, INTERRUPTED, TERMINATED, WRONG_INPUT
from mlcli.config.schema import Device, Split, Sweep, Tracking, Trainer
from tests.console_blocks import MARKED, SECONDS, commands, run, served, write_short_configs
from tests.test_imports import MAY_IMPORT

ROOT = Path(__file__).resolve().parent.parent

PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(ROOT.glob("docs/**/*.md"))
GENERATED = {ROOT / "docs" / "gallery" / "README.md"}  # whose sentences are one line each
WIDTH = 100
EXTENDING = ROOT / "docs" / "extending.md"


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


RUNNABLE = [page for page in PAGES if page != EXTENDING and commands(text_of(page))]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("bin")) as path:
        yield path


@pytest.fixture
def work(tmp_path: Path) -> Path:
    write_short_configs(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", RUNNABLE, ids=[str(page.relative_to(ROOT)) for page in RUNNABLE])
def test_commands_end_as_the_page_says(page: Path, work: Path, path: str) -> None:
    for command in commands(text_of(page)):
        done = run(command.text, work, path)
        assert done.returncode == command.status, f"$ {command.text}\n{done.stdout}{done.stderr}"
        assert not command.failure or shows(done.stderr, command.failure), f"$ {command.text}\n{done.stderr}"


def shows(output: str, line: str) -> bool:
    """Whether a line of the output is the one that the page shows."""
    pattern = ".*".join(re.escape(part) for part in line.split("…"))
    return any(re.fullmatch(pattern, each.rstrip()) for each in output.splitlines())


EXAMPLE = re.compile(r"^\| (?P<status>\d+) \|.*\| `(?P<command>mlcli [^`]+)`(?:, then (?P<signal>\S+))? *\|$", re.M)
SIGNALS = {"Ctrl-C": signal.SIGINT, "`kill`": signal.SIGTERM}


def test_exit_codes_are_those_of_the_table(work: Path, path: str) -> None:
    rows = list(EXAMPLE.finditer(text_of(ROOT / "docs" / "exit_codes.md")))
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
    marked = sum(text_of(page).count("<!-- runnable -->\n") for page in PAGES)
    blocks = sum(bool(match["block"]) for page in PAGES for match in MARKED.finditer(text_of(page)))
    assert marked == blocks, "<!-- runnable --> has to stand right before a console block"


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text_of(page))):
        file = target.partition("#")[0]
        if file and not re.match(r"[a-z]+:", file):
            assert (page.parent / file).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_paths_of_the_repository_exist(page: Path) -> None:
    text = text_of(page)
    for path in re.findall(r"`((?:benchmarks|conf|docs|hydra_plugins|mlcli|scripts|tests)/[\w./]+)`", text):
        is_example = "NAME" in path or f"`{path}`:\n" in text  # to be replaced, or the title of a code block
        assert is_example or (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_keys_of_the_schema_exist(page: Path) -> None:
    groups = {"split": Split, "trainer": Trainer, "sweep": Sweep, "device": Device, "tracking": Tracking}
    for group, key in re.findall(rf"(?<![\w./])({'|'.join(groups)})\.(\w+)(?=[ =`:}}])", text_of(page)):
        known = {field.name for field in fields(groups[group])}
        assert key in known or f"{group}.{key}" in renamed.KEYS, f"{group}.{key}"


def test_the_table_of_packages_states_their_imports() -> None:
    section = re.split(r"^## ", text_of(ROOT / "docs" / "architecture.md"), flags=re.M)[1]
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", section, re.M)
    assert {room: set(allowed.split(", ")) - {"–"} for room, allowed in rows} == MAY_IMPORT


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_lines_wrap(page: Path) -> None:
    lines = without_code(text_of(page)).splitlines() if page not in GENERATED else []
    for number, line in enumerate(lines, 1):
        unbreakable = line.startswith("|") or "](" in line
        assert len(line) <= WIDTH or unbreakable, f"{page.name}:{number} has {len(line)} columns: wrap it at {WIDTH}"


def without_code(text: str) -> str:
    """The same lines, those of code blocks and comments empty."""
    blank = lambda match: "\n" * match[0].count("\n")  # noqa: E731
    return re.sub(r"^```.*?^```$|<!--.*?-->", blank, text, flags=re.S | re.M)
