"""Console blocks of README and docs, and the processes that run their commands.

A block runs if a line `<!-- runnable -->` precedes it; `<!-- setup: COMMAND -->` prepares what the page presupposes.
Lines below a command are its output, where … stands for any text.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mlcli.cli.errors import FAILED, WRONG_INPUT
from tests.docs_server import write_client

ROOT = Path(__file__).resolve().parent.parent
SETUP, RUNNABLE_BLOCK = r"<!-- setup:\s(?P<setup>.*?)\s-->", r"<!-- runnable -->\n```console\n(?P<block>.*?)^```"
MARKED = re.compile(f"^(?:{SETUP}|{RUNNABLE_BLOCK})", re.S | re.M)
STATUS = {"error:": WRONG_INPUT, "failed:": FAILED}
SECONDS = 120  # of one command


@dataclass
class Command:
    text: str
    shown: list[str] = field(default_factory=list)  # the lines below it

    @property
    def failure(self) -> str:
        """The error line that the page shows, if any."""
        return next((line for line in self.shown if line.startswith(tuple(STATUS))), "")

    @property
    def status(self) -> int:
        """The exit status that the page states."""
        return next((status for word, status in STATUS.items() if self.failure.startswith(word)), 0)


def commands(text: str) -> list[Command]:
    """Those of the runnable blocks of a page, in order."""
    found: list[Command] = []
    for match in MARKED.finditer(text):
        if match["setup"]:
            found.append(Command(match["setup"]))
            continue
        lines = re.sub(r"\\\n", " ", match["block"]).splitlines()
        assert lines[0].startswith("$ "), f"a runnable block starts with $, not {lines[0]!r}"
        for line in lines:
            if line.startswith("$ "):
                found.append(Command(line.removeprefix("$ ")))
            else:
                found[-1].shown.append(line)
    return found


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A PATH whose `mlcli` is served by one process that has imported torch."""
    address = str(folder / "socket")
    write_client(folder / "mlcli", address)
    command = [sys.executable, str(ROOT / "tests" / "docs_server.py"), address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout and server.stdout.readline() == "ready\n"
        yield f"{folder}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        server.terminate()


def write_short_configs(folder: Path) -> None:
    """Configs that make trainings short, without figures and tracking."""
    trainer = (ROOT / "conf" / "trainer" / "default.yaml").read_text(encoding="utf-8")
    short = re.sub(r"^epochs: \d+", "epochs: 1", trainer, flags=re.M)
    assert short != trainer
    table = (ROOT / "conf" / "trainer" / "table.yaml").read_text(encoding="utf-8")
    tracking = (ROOT / "conf" / "tracking" / "none.yaml").read_text(encoding="utf-8")
    silent = re.sub(r"^figures: true", "figures: false", tracking, flags=re.M)
    assert silent != tracking
    tables = re.sub(r"^epochs: \d+", "epochs: 1", table, flags=re.M)
    assert tables != table
    for name, text in (("trainer/default", short), ("trainer/table", tables), ("tracking/mlflow", silent)):
        file = folder / "conf" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def run(command: str, folder: Path, path: str) -> subprocess.CompletedProcess[str]:
    """Runs a command line in the folder."""
    env = {"PATH": path, "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=os.environ | env | {"MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
