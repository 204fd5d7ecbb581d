"""What mlcli calls things in MLflow, whichever way they come there."""

import json
import posixpath
import re
from functools import lru_cache
from typing import Any

KIND = {"mlflow.experimentKind": "custom_model_development"}  # the UI shows curves, not language-model traces
STATUS = {"PRUNED": "KILLED"}  # of mlcli, where MLflow has none of the kind; the tag mlcli.status has it
MAX_TEXT = 6000  # characters of a parameter's value
MAX_NAME = 250


def data_set_of(data: dict[str, Any]) -> dict[str, str]:
    """A run's data.json as MLflow describes a data set."""
    profile = {key: data[key] for key in ("kind", "shape", "examples", "target")}
    profile |= {"classes": len(data["classes"])} if data["classes"] else {}
    return {
        "name": data["name"],
        "digest": data["digest"],
        "source_type": "mlcli",
        "source": json.dumps({"description": data["source"]}),
        "profile": json.dumps(profile),
    }


@lru_cache(maxsize=10_000)
def tidy(name: str) -> str:
    """A name that MLflow takes: of letters, digits, `_-.: /`, and a path that stays where it is."""
    path = posixpath.normpath(re.sub(r"[^/\w.\- :]", "_", name)).lstrip("/")
    return (f"_{path}" if path.startswith("..") or path == "." else path)[:MAX_NAME]
