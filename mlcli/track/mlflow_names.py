"""Names and limits in MLflow, for the client and for direct writes alike."""

import json
import posixpath
import re
from functools import lru_cache
from typing import Any

KIND = {"mlflow.experimentKind": "custom_model_development"}  # the UI shows curves, not language-model traces
STATUS = {"PRUNED": "KILLED"}  # statuses that MLflow does not have; the tag mlcli.status keeps them
MAX_TEXT = 6000  # characters of a parameter's value
MAX_NAME = 250


def data_set_of(data: dict[str, Any]) -> dict[str, str]:
    """A run's data.json as the description of a data set in MLflow."""
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
    """A name that MLflow accepts: letters, digits and `_-.: /`, without leading `/` or `..`."""
    path = posixpath.normpath(re.sub(r"[^/\w.\- :]", "_", name)).lstrip("/")
    return (f"_{path}" if path.startswith("..") or path == "." else path)[:MAX_NAME]
