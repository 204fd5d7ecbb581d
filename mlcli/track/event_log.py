"""TensorBoard: a run's journal, settings and figures as event files in its own folder, for `tensorboard --logdir
outputs`. Like MLflow, they are derived from the run folder, during training or later."""

import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mlcli.config.stored import read_yaml
from mlcli.files import plain_files, read_plain
from mlcli.locks import try_lock
from mlcli.store.records import flatten, read_lines, try_read_json, write_json
from mlcli.store.status import record_path
from mlcli.track.summary import evaluation_metrics

if TYPE_CHECKING:
    from filelock import FileLock

FOLDER = "tensorboard"
STATE = ".tensorboard.json"
LOCK = ".tensorboard.lock"
PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_SIZE = slice(16, 24)  # bytes of a PNG file: width and height
MAX_IMAGE = 64 * 2**20  # bytes


class EventLog:
    """The event files of one run. `.tensorboard.json` records the progress; a lock excludes a second courier from the
    folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = try_read_json(folder / STATE) or {"offset": 0, "complete": False}
        self.lock: FileLock | None = None
        self.file: IO[bytes] | None = None

    def is_pending(self) -> bool:
        """Whether the run is tracked by TensorBoard and not written completely. Sweeps have no curves of their
        own."""
        record = try_read_json(self.folder / "run.json") or {}
        name = (record.get("tracking") or {}).get("name")
        return name in ("tensorboard", "both") and not self.state["complete"]

    def acquire(self) -> bool:
        """Locks the folder. False if there is nothing to write or another courier has the lock."""
        self.lock = try_lock(self.folder / LOCK) if self.is_pending() else None
        return self.lock is not None

    def advance(self) -> None:
        """Writes new lines of the journal and, once the run has ended, its results, settings and figures."""
        record = try_read_json(record_path(self.folder)) or {}
        if record.get("cuts", 0) != self.state.get("cuts", 0):
            self._begin_again(record["cuts"])
        lines, offset = read_lines(self.folder / "metrics.jsonl", self.state["offset"])
        self._write(event for line in lines for event in _scalars(line["metrics"], line["epoch"], line["time"]))
        self.state["offset"] = offset
        if record.get("status", "RUNNING") != "RUNNING":
            self._write(self._ending(record.get("ended") or time.time()))
            self.state["complete"] = True
        write_json(self.folder / STATE, self.state)

    def _begin_again(self, cuts: int) -> None:
        """Lines that were written may have been cut from the journal: all are written anew."""
        if self.file:
            self.file.close()
        self.file = None
        for path in plain_files(self.folder / FOLDER):
            path.unlink()
        self.state |= {"offset": 0, "cuts": cuts}

    def release(self) -> None:
        if self.file:
            self.file.close()
        if self.lock:
            self.lock.release()

    def _ending(self, ended: float) -> Iterator[Any]:
        result = try_read_json(self.folder / "result.json") or {"metrics": {}, "best_epoch": 0}
        yield from _scalars(evaluation_metrics(result), result["best_epoch"], ended)
        config = self.folder / "config.yaml"
        if config.exists():
            yield _settings(flatten(read_yaml(config)), ended)
        for path in plain_files(self.folder / "figures"):
            if path.suffix == ".png" and (image := _image(path, ended)):
                yield image

    def _write(self, events: Iterator[Any]) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        for event in events:
            if self.file is None:
                self.file = self._new_file()
            RecordWriter(self.file).write(event.SerializeToString())
        if self.file is not None:
            self.file.flush()

    def _new_file(self) -> IO[bytes]:
        """A new event file. TensorBoard concatenates those of a folder in the order of their names."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        if (self.folder / FOLDER).is_symlink():
            raise OSError(f"{self.folder / FOLDER} is a link; links are not followed")
        (self.folder / FOLDER).mkdir(exist_ok=True)
        name = f"events.out.tfevents.{time.time_ns() // 1000}.{socket.gethostname()}.{os.getpid()}"
        file = (self.folder / FOLDER / name).open("xb")
        RecordWriter(file).write(Event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString())
        return file


def _scalars(metrics: dict[str, float | None], step: int, when: float) -> Iterator[Any]:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    values = [Summary.Value(tag=name, simple_value=value) for name, value in metrics.items() if value is not None]
    if values:
        yield Event(wall_time=when, step=step, summary=Summary(value=values))


def _settings(settings: dict[str, Any], when: float) -> Any:
    """An event for the table of hyperparameters."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb

    known = {key: value for key, value in settings.items() if isinstance(value, bool | int | float | str)}
    return Event(wall_time=when, summary=hparams_pb(known))


def _image(path: Path, when: float) -> Any:
    """An event with the image; None if the file is not a PNG."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    content = read_plain(path, MAX_IMAGE)
    if not content.startswith(PNG_START) or len(content) < PNG_SIZE.stop:
        return None
    width, height = struct.unpack(">II", content[PNG_SIZE])
    image = Summary.Image(width=width, height=height, colorspace=4, encoded_image_string=content)
    return Event(wall_time=when, summary=Summary(value=[Summary.Value(tag=f"figures/{path.stem}", image=image)]))
