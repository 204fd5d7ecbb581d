"""The files of a run folder that are uploaded to MLflow as artifacts."""

from collections.abc import Iterator
from pathlib import Path

from mlcli.files import plain_files

FILES = (
    "config.yaml",
    "overrides.yaml",
    "environment.json",
    "data.json",
    "result.json",
    "answer.json",
    "trials.json",
    "trials.csv",
    "crossval.json",
    "groups.csv",
    "train.log",
)
FOLDERS = ("figures", "predictions")


def artifacts(folder: Path) -> Iterator[Path]:
    """The non-empty files of a run that are uploaded. Links are not followed."""
    files = (folder / name for name in FILES)
    for path in (*files, *(path for name in FOLDERS for path in plain_files(folder / name))):
        if not path.is_symlink() and path.is_file() and path.stat().st_size:
            yield path
