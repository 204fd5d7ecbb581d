"""The folder of a run: the source from which everything else about the run is derived."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from omegaconf._utils import get_omega_conf_dumper

from mlcli import renamed
from mlcli.config.errors import ConfigError
from mlcli.config.redact import redacted
from mlcli.config.settings import Settings, settings
from mlcli.config.stored import has_interpolation, read_yaml
from mlcli.files import write_atomic
from mlcli.store.format import FORMAT, current_names, rename_monitored
from mlcli.store.process import current_process, hold_lock, release_lock
from mlcli.store.records import finite, parse, read_json, read_lines, to_json, try_read_json, write_json
from mlcli.system import sync


@dataclass(frozen=True)
class RunFolder:
    """Paths and records of one run (or sweep, whose `run.json` is called `sweep.json`)."""

    path: Path
    record_name: str = "run.json"

    @classmethod
    def create(cls, path: Path, record: Mapping[str, Any], record_name: str = "run.json") -> "RunFolder":
        """Creates the folder. Raises ConfigError if it has a run already or cannot be written."""
        folder, text = cls(path.absolute(), record_name), to_json(finite(redacted(record)))
        try:
            path.mkdir(parents=True, exist_ok=True)
            # Atomic: of two runs that start in the same folder at the same time, one fails.
            write_atomic(path / record_name, text, new=True)
            if record.get("parent") is None:
                hold_lock(folder.path)
        except FileExistsError as error:
            raise ConfigError(f"{path} holds a run already: use another hydra.run.dir.") from error
        except OSError as error:
            reason = error.strerror or error
            raise ConfigError(f"Cannot write to {path} ({reason}): use outputs=FOLDER.") from error
        return folder

    def check_free(self) -> None:
        """Raises the errors of `create`, as far as they can be foreseen, and writes nothing."""
        if (self.path / self.record_name).exists():
            raise ConfigError(f"{self.path} holds a run already: use another hydra.run.dir.")
        nearest = next(each for each in (self.path.absolute(), *self.path.absolute().parents) if each.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            reason = "Permission denied" if nearest.is_dir() else f"{nearest} is a file"
            raise ConfigError(f"Cannot write to {self.path} ({reason}): use outputs=FOLDER.")

    def record(self) -> dict[str, Any]:
        """The record, unchecked; see `read_json` for folders of unknown origin."""
        return dict(parse((self.path / self.record_name).read_bytes()))

    def read(self, name: str) -> Any:
        """The content of a JSON file of the folder, with the names that metrics and settings have now. Raises
        FileNotFoundError or Damaged."""
        return self._current_names(read_json(self.path / name))

    def _current_names(self, content: Any) -> Any:
        return current_names(content, self._readable_record())

    def _readable_record(self) -> dict[str, Any]:
        return try_read_json(self.path / self.record_name) or {"format": FORMAT}

    def end(self, status: str, reason: str | None = None, **more: Any) -> None:
        """Marks the run FINISHED, FAILED or KILLED. more: other fields of the record."""
        end = {"status": status, "ended": time.time(), "reason": reason, **more}
        record = self.record()
        is_alone = record.get("parent") is None
        if is_alone and status == "FINISHED":
            self._sync()
        write_json(self.path / self.record_name, record | end, durable=is_alone)
        release_lock(self.path)

    def begin_again(self, **changes: Any) -> None:
        """Marks a run that has ended as running, by this process. Its lock is held already."""
        record = self.record()
        again = {"status": "RUNNING", "ended": None, "reason": None, "resumed": record.get("resumed", 0) + 1}
        write_json(self.path / self.record_name, record | again | current_process() | changes, durable=True)

    def count_cut(self) -> None:
        """Records that lines of the journal which may have been delivered were removed, for the courier."""
        record = self.record()
        write_json(self.path / self.record_name, record | {"cuts": record.get("cuts", 0) + 1})

    def _sync(self) -> None:
        """Flushes to disk what a run that is recorded as FINISHED must still have after a power cut."""
        for name in ("result.json", "model/weights.safetensors", "trials.json"):
            if (self.path / name).exists():
                sync(self.path / name)

    def write_config(self, cfg: Settings, overrides: list[str]) -> None:
        for name, content in (("config.yaml", cfg), ("overrides.yaml", overrides)):
            text = yaml.dump(redacted(content), Dumper=_Dumper, allow_unicode=True, sort_keys=False)
            write_atomic(self.path / name, text)

    def config(self) -> Settings:
        """The run's config, with today's names. Raises ConfigError for anything but plain values."""
        try:
            stored = read_yaml(self.path / "config.yaml")
        except (OSError, ValueError) as error:
            raise ConfigError(str(error)) from error
        rename_monitored(stored, self._readable_record())
        return plain(stored, f"{self.path.name}/config.yaml")

    def history(self) -> list[dict[str, Any]]:
        """The journal so far, a record {"epoch", "step", "time", "metrics"} for each epoch; an incomplete last line
        is left out."""
        lines: list[dict[str, Any]] = self._current_names(read_lines(self.path / "metrics.jsonl")[0])
        return lines


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # whichever there is
    """Quotes text that OmegaConf would read as a number, as OmegaConf does; faster, by libyaml if available."""


_Dumper.ignore_aliases = lambda self, data: True  # a list in two places is written twice
_Dumper.add_representer(Settings, yaml.SafeDumper.represent_dict)
_Dumper.add_representer(str, get_omega_conf_dumper().str_representer)


def plain(stored: Any, name: str) -> Settings:
    """A stored config as Settings, with today's names. Raises ConfigError if it is not a mapping, or has an
    interpolation: mlcli stores resolved values, and resolving one later could read secrets of this machine."""
    if not isinstance(stored, dict):
        raise ConfigError(f"{name} holds no settings")
    if has_interpolation(stored):
        raise ConfigError(f"{name} holds an interpolation (${{…}}), which mlcli never stores: the run is not loaded")
    made: Settings = settings(renamed.config(stored))
    return made
