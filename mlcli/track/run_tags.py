"""The tags of a run in MLflow."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlcli.store.records import try_read_json
from mlcli.track.late_updates import STATE
from mlcli.track.mlflow_names import tidy


def tags_of(folder: Path, record: Mapping[str, Any], address: str) -> dict[str, Any]:
    """The tags by name; None and "" are no tags. address: of the store, whose run of the sweep is the parent."""
    parent = try_read_json(folder.parent / STATE) if record.get("parent") else None
    nested = parent is not None and parent["uri"] == address
    # A trial that failed before it was built has that of its sweep.
    folders = [folder, folder.parent] if record.get("parent") else [folder]
    environment = next(filter(None, (try_read_json(each / "environment.json") for each in folders)), {})
    return {
        "mlflow.runName": record["name"],
        "mlflow.user": environment.get("user"),
        "mlflow.source.name": record["command"],
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": environment.get("git_commit"),
        "mlflow.parentRunId": parent["run_id"] if parent and nested else None,
        "mlcli.run_id": record["id"],
        "mlcli.folder": folder,
        "host": record["host"],
        "device": environment.get("device"),
        **{f"mlcli.{tidy(group)}": option for group, option in (record.get("options") or {}).items()},
        "mlcli.status": record["status"] if record["status"] != "RUNNING" or record.get("resumed") else None,
        "mlcli.resumed_from": record.get("resumed_from"),
        "mlcli.resumed_with": " ".join(record.get("resumed_with") or ()),
    }
