"""The code that makes an MLflow model stand alone, as an archive from which Python imports.

An archive rather than a wheel in the requirements, because `mlflow.pyfunc.load_model` installs nothing, and rather
than `torch.export`, which covers no estimators, tokenisers or tasks. One file, because a tracking server stores each
file by a request of its own.
"""

import io
import re
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import mlcli
from mlcli.store.records import read_json, try_read_json

Code = Literal["none", "mlcli", "all"]  # in a model: none, mlcli's, or the user's modules too

ARCHIVE = "code/mlcli.zip"
OWN = "own"  # the folder of the user's modules in the archive
SOURCES = "code.json"  # in a run's `model` folder: the text of the user's modules, by path
UNUSED = ("cli", "data", "experiment", "sweep")  # packages of mlcli that prediction does not import
PACKAGE = Path(mlcli.__file__).parent
MODULE = re.compile(r"[A-Za-z_]\w*(/[A-Za-z_]\w*)*\.py", re.ASCII)
DATE = (1980, 1, 1, 0, 0, 0)  # of all files, so that equal code makes equal archives


def code_of(folder: Path, record: Mapping[str, Any], is_live: bool) -> Code:
    """What the model of this run carries. The code multiplies the size of a small model, so only single runs and the
    best trial of a sweep have it, the latter once the sweep has ended.

    is_live: the process that started this courier trains the run. The user's modules of other runs are left out,
    because loading the model executes them.
    """
    if record.get("parent") is not None:
        sweep = try_read_json(folder.parent / "sweep.json") or {}
        if sweep.get("status") in (None, "RUNNING") or sweep.get("best_trial") != record.get("trial"):
            return "none"
    return "all" if is_live else "mlcli"


def own_sources(folder: Path) -> dict[str, str]:
    """The user's modules that a run's `model` folder needs, by path; {} if there are none. Raises Damaged."""
    try:
        stored = read_json(folder / SOURCES)
    except FileNotFoundError:
        return {}
    return {path: text for path, text in stored.items() if MODULE.fullmatch(path)}


def top_level(sources: Mapping[str, str]) -> set[str]:
    """The names of the modules and packages at the top of these files."""
    return {path.partition("/")[0].removesuffix(".py") for path in sources}


def archive(sources: Mapping[str, str]) -> bytes:
    """The content of ARCHIVE: mlcli, and the user's modules below OWN."""
    content = io.BytesIO(_mlcli())
    with zipfile.ZipFile(content, "a") as file:
        for path, text in sorted(sources.items()):
            _add(file, f"{OWN}/{path}", text.encode())
    return content.getvalue()


@cache
def _mlcli() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for path in sorted(PACKAGE.rglob("*.py")):
            place = path.relative_to(PACKAGE)
            if place.parts[0] not in UNUSED:
                _add(file, f"mlcli/{place.as_posix()}", path.read_bytes())
    return content.getvalue()


def _add(file: zipfile.ZipFile, path: str, content: bytes) -> None:
    file.writestr(zipfile.ZipInfo(path, DATE), content, zipfile.ZIP_DEFLATED, compresslevel=1)
