"""Starts the process of the courier and communicates with it. Imports nothing heavy."""

import os
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

from mlcli.config.child import python
from mlcli.system import detached
from mlcli.track.console import print_message
from mlcli.writers import add_writer

OUT_OF_REACH = 3  # the courier's exit status when MLflow could not be brought up to date
NOTE = "note: "  # prefix of the courier's lines that are printed while its end is awaited
PATHS = "surrogateescape"  # of its pipes: the name of a folder may be any bytes
URI = "MLCLI_COURIER_URI"  # environment variable with the address of MLflow


class CourierHandle:
    """The courier's process, which reads the folders to follow from its standard input."""

    def __init__(self, process: "subprocess.Popen[str]", errors: IO[str]) -> None:
        self.process = process
        self.errors = errors
        self.lines: list[str] = []
        self.reader: threading.Thread | None = None

    def follow(self, folder: Path) -> None:
        """Delivers this run or sweep from now on. Ignores a courier that has died, so that training continues."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(f"{folder.absolute()}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def finish(self, timeout: float | None = None) -> str | None:
        """Waits until everything is delivered. Returns None, or a sentence with the reason why it is not.

        timeout: seconds after which waiting ends; the courier itself continues.
        """
        lines = self._output(timeout)
        if lines is None:
            return f"the courier is still delivering after {timeout:g} seconds"
        with self.errors:
            self.errors.seek(0)
            errors = self.errors.read().strip().splitlines() or ["no output"]
        if self.process.returncode == 0:
            return None
        if self.process.returncode == OUT_OF_REACH and lines:
            return lines[-1]
        return f"the courier ended with status {self.process.returncode} ({errors[-1]})"

    def _output(self, timeout: float | None) -> list[str] | None:
        """The lines that it printed; None if it has not ended in time. Notes are printed as they come."""
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
    """Starts a courier for the runs under `outputs`.

    uri: address of MLflow; "" is the store under `outputs`. mlflow: whether any of the runs is tracked by MLflow.
    check: whether runs that the store has lost are delivered again. Ctrl-C in the terminal does not reach the
    process.
    """
    command = python(
        "-m", "mlcli.track.courier_process", "--outputs", str(outputs.absolute()), "--experiment", experiment
    )
    command += [*([] if mlflow else ["--no-mlflow"]), *(["--check"] if check else [])]
    environment = os.environ | {"PYTHONIOENCODING": f"utf-8:{PATHS}"}
    environment |= {URI: uri}  # not an argument: it may hold a password, and command lines are public
    errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors=PATHS)  # noqa: SIM115  # closed when the courier has ended
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=errors, encoding="utf-8", errors=PATHS, env=environment, **detached()
    )
    add_writer(process)
    return CourierHandle(process, errors)
