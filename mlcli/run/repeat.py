"""What it takes to repeat the training of a stored run: its config, the choices of its machine, and what has changed
since."""

from typing import Any

from mlcli.config.settings import Settings
from mlcli.run import checkpoints
from mlcli.run.origin import training_config
from mlcli.store.provenance import environment
from mlcli.store.records import try_read_json
from mlcli.store.stored_run import StoredRun

DECIDED = ("torch", "numpy", "scikit-learn", "mlcli")  # packages whose versions may decide the last digits


def completed(run: StoredRun, trust_run: bool) -> Settings:
    """The config of the run, with settings that the mlcli which wrote it did not have. Raises ConfigError as
    `training_config`."""
    cfg = training_config(run, trust_run)
    cfg.trainer.setdefault("checkpoint_every", checkpoints.EVERY)
    cfg.trainer.setdefault("keep_checkpoints", False)
    return cfg


def repeat_machine(cfg: Settings, run: StoredRun) -> None:
    """What was chosen by the state of the machine is chosen again, in place: the numbers depend on it."""
    known = _environment(run)
    if cfg.device.name == "auto" and known.get("device"):
        cfg.device.name = str(known["device"]).partition(":")[0]
    if cfg.device.threads is None and isinstance(known.get("threads"), int):
        cfg.device.threads = known["threads"]


def changed_versions(run: StoredRun) -> list[str]:
    """The packages whose versions have changed since the run, as in `torch 2.12.0 → 2.13.0`."""
    known = _environment(run)
    here = environment(str(known.get("device")), 0)
    return [f"{name} {known[name]} → {here[name]}" for name in DECIDED if known.get(name) not in (None, here[name])]


def _environment(run: StoredRun) -> dict[str, Any]:
    return try_read_json(run.folder.path / "environment.json") or {}
