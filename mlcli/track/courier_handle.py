"""Starts the courier and talks to it. Standard library alone: this runs before anything heavy is imported."""

import os
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

from mlcli.config.child import python
from mlcli.track.console import print_message

OUT_OF_REACH = 3  # the courier's exit status when MLflow could not be brought up to date
NOTE = "note: "  # begins a line of the courier that is said while it is waited for
URI = "MLCLI_COURIER_URI"  # the environment variable that tells the courier where MLflow is


class CourierHandle:
    """A process that brings MLflow up to date from run folders. What it is told goes through its standard input."""

    def __init__(self, process: "subprocess.Popen[str]", errors: IO[str]) -> None:
        self.process = process
        self.errors = errors
        self.lines: list[str] = []
        self.reader: threading.Thread | None = None

    def follow(self, folder: Path) -> None:
        """Delivers this run or sweep from now on. A courier that has died is no reason to stop training."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(f"{folder.absolute()}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def finish(self, timeout: float | None = None) -> str | None:
        """Waits until everything is delivered. Returns None, or the sentence that says why it is not.

        timeout: seconds after which it is no longer waited for; the courier itself goes on.
        """
        said = self._said(timeout)
        if said is None:
            return f"the courier still delivers after {timeout:g} seconds"
        with self.errors:
            self.errors.seek(0)
            lines = self.errors.read().strip().splitlines() or ["no word"]
        if self.process.returncode == 0:
            return None
        if self.process.returncode == OUT_OF_REACH and said:
            return said[-1]
        return f"the courier ended with status {self.process.returncode} ({lines[-1]})"

    def _said(self, timeout: float | None) -> list[str] | None:
        """Its lines, of which notes are passed on as they come; None if it has not ended in time."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.close()
        if self.reader is None:
            self.reader = threading.Thread(target=self._read, daemon=True)
            self.reader.start()
        self.reader.join(timeout)
        if self.reader.is_alive():
            return None
        self.process.wait()
        return self.lines

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                if line.startswith(NOTE):
                    print_message(line.removeprefix(NOTE).rstrip("\n"))
                else:
                    self.lines.append(line.rstrip("\n"))


def start_courier(
    outputs: Path, uri: str, experiment: str, mlflow: bool = True, check: bool = False
) -> CourierHandle:
    """A courier for the runs under `outputs`. uri: where MLflow is; "" is the store under `outputs`. mlflow: whether
    MLflow will hear of them. check: whether the store is asked for what it was given long ago.

    It lives in a session of its own: Ctrl-C in the terminal ends the training, not what reports it.
    """
    command = python("-m", "mlcli.track.courier", "--outputs", str(outputs.absolute()), "--experiment", experiment)
    command += [*([] if mlflow else ["--no-mlflow"]), *(["--check"] if check else [])]
    environment = os.environ | {URI: uri}  # it may hold a password, and every user of a machine sees command lines
    errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  # lives as long as the courier
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=errors, text=True, start_new_session=True, env=environment
    )
    return CourierHandle(process, errors)
