"""Before a run continues that had ended: it is delivered again, to the same MLflow run."""

import time
from pathlib import Path
from typing import Any

from mlcli.config.errors import ConfigError
from mlcli.locks import try_lock
from mlcli.store.records import Damaged, read_json, write_json
from mlcli.track import delivery, event_log
from mlcli.track.late_updates import STATE
from mlcli.track.mlflow_store import without_password

PATIENCE = 30.0  # seconds in which another command may complete the delivery
FILES = {STATE: delivery.LOCK, event_log.STATE: event_log.LOCK}


def reopen(folder: Path) -> int:
    """Marks what was delivered of the run as incomplete. Returns the offset in the journal up to which it was
    delivered. Raises ConfigError while another command delivers it."""
    offset = 0
    for name, lock_name in FILES.items():
        if not (folder / name).exists():
            continue
        held = _lock(folder / lock_name)
        try:
            state = _state(folder / name)
            if state:
                again = {"reopened": True} if "run_id" in state else {}
                write_json(folder / name, state | {"complete": False} | again)
                offset = max(offset, state["offset"])
        finally:
            held.release()
    return offset


def delivered_elsewhere(folder: Path, uri: str) -> str | None:
    """The address of the store that has the run, where that is not this one ("" stands for the local store)."""
    state = _state(folder / STATE)
    if "run_id" not in state or state["uri"] == without_password(uri):
        return None
    return str(state["uri"]) or "the store under outputs"


def _state(path: Path) -> dict[str, Any]:
    try:
        return dict(read_json(path))
    except (FileNotFoundError, Damaged):  # the courier starts anew
        return {}


def _lock(path: Path) -> Any:
    deadline = time.monotonic() + PATIENCE
    while (held := try_lock(path)) is None:
        if time.monotonic() > deadline:
            raise ConfigError(f"another command is delivering {path.parent.name} to its tracker: try again later")
        time.sleep(0.1)
    return held
