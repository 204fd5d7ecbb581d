"""The log of a run or sweep, read in parts of any size of file, as text that cannot control a terminal."""

import codecs
import os
import time
from collections.abc import Callable, Iterator
from io import IncrementalNewlineDecoder
from pathlib import Path
from typing import BinaryIO

from mlcli.config.errors import ConfigError
from mlcli.config.printable import printable
from mlcli.files import open_plain
from mlcli.store.stored_run import StoredRun

LOG = "train.log"
PART = 1 << 16  # bytes
POLL = 0.5  # seconds between two looks at a file that grows


def log_files(run: StoredRun) -> list[Path]:
    """The existing logs of a run: its own; of a sweep, also those of its trials. A trial without one of its own has
    the sweep's, which has the log of a stack."""
    own = run.folder.path / LOG
    if run.is_sweep:
        trials = [path for path in run.folder.path.glob(f"*/{LOG}") if path.parent.name.isdecimal()]
        found = [own, *sorted(trials, key=lambda path: int(path.parent.name))]
    elif run.record.get("parent") and not os.path.lexists(own):
        found = [run.folder.path.parent / LOG]
    else:
        found = [own]
    return [path for path in found if os.path.lexists(path)]


class Log:
    """A log file that may still grow. lines: how many of its lines so far are read; None for all.

    Methods raise ConfigError for a link, and for what is not a file.
    """

    def __init__(self, path: Path, lines: int | None = None) -> None:
        self.path = path
        self._decoder = IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
        with self._opened() as file:
            self._offset = 0 if lines is None else _start_of_last(file, lines)

    def read(self) -> Iterator[str]:
        """What has been written since the last call, in parts."""
        with self._opened() as file:
            file.seek(self._offset)
            while part := file.read(PART):
                self._offset += len(part)
                yield printable(self._decoder.decode(part))

    def _opened(self) -> BinaryIO:
        try:
            return open_plain(self.path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise ConfigError(f"{self.path} cannot be read: {reason}.") from error


def read_logs(
    run: StoredRun, lines: int | None = None, read_again: Callable[[], StoredRun] | None = None
) -> Iterator[tuple[Path, str]]:
    """The text of the run's logs, with the path of each part. Raises ConfigError.

    lines: as of `Log`. read_again: returns the run's state now; with it, the logs are followed until the run ends.
    """
    logs: dict[Path, Log] = {}
    while True:
        has_ended = run.status != "RUNNING"
        for path in log_files(run):
            if path not in logs:
                logs[path] = Log(path, lines)
            yield from ((path, part) for part in logs[path].read())
        if has_ended or read_again is None:
            return
        time.sleep(POLL)
        run = read_again()


def _start_of_last(file: BinaryIO, lines: int) -> int:
    """The offset of the last lines."""
    end = file.seek(0, os.SEEK_END)
    place, found = end, 0
    while place and lines:
        start = max(0, place - PART)
        file.seek(start)
        block = file.read(place - start)
        at = len(block)
        while (at := block.rfind(b"\n", 0, at)) >= 0:
            if start + at < end - 1:  # the last line's own end
                found += 1
            if found == lines:
                return start + at + 1
        place = start
    return 0 if lines else end
