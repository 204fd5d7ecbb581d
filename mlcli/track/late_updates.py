"""What trials that were delivered while their sweep was running receive at its end."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcli.store.records import try_read_json
from mlcli.store.status import record_path
from mlcli.track.model_code import code_of

if TYPE_CHECKING:
    from mlcli.track.mlflow_store import Store

STATE = ".mlflow.json"  # in a run's folder: what was delivered


def update_trials(sweep: Path, record: Mapping[str, Any], store: "Store", is_live: bool) -> None:
    """Sends the figures of the best trials, which the sweep plots at its end, and the code of the best one's model.

    sweep, record: folder and record of the sweep. is_live: the process that started this courier trains it.
    """
    drawn, best = record.get("drawn", ()), record.get("best_trial")
    for number in {*drawn, best} - {None}:
        trial = sweep / str(number)
        state = try_read_json(trial / STATE) or {}
        if not state.get("run_id") or trial.is_symlink():
            continue
        if number in drawn:
            store.log_missing(state["run_id"], trial / "figures", "figures")
        code = code_of(trial, try_read_json(record_path(trial)) or {}, is_live)
        if code != "none" and state["complete"] and "model_id" in state:
            store.complete_model(state["run_id"], state["model_id"], trial / "model", code)
