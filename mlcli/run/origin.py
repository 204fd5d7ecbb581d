"""Where a stored run comes from, and what its config may do to this machine when it trains again."""

import getpass
import os
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from mlcli.config.check import GROUPS
from mlcli.config.errors import ConfigError
from mlcli.config.settings import Settings
from mlcli.run.trust import trusted
from mlcli.store.records import try_read_json
from mlcli.store.stored_run import StoredRun

CONCLUSIONS = "mlcli.experiment."
FLAG = "--trust-run"


def training_config(run: StoredRun, trust_run: bool) -> Settings:
    """The config of a stored run, to train it. Raises ConfigError where the run was made elsewhere, or its config
    names code or addresses that `mlcli.run.trust` does not allow, unless the user trusts the run."""
    stored = run.folder.config()
    if trust_run:
        return stored
    name = run.folder.path.name
    if elsewhere := _elsewhere(run):
        raise ConfigError(
            f"{name} was made {elsewhere}. It would touch {_listed(stored)}; use {FLAG} if you trust it."
        )
    try:
        cfg = trusted(stored, name, GROUPS)
    except ConfigError as error:
        raise ConfigError(f"{error}; or use {FLAG} if you trust the run") from error
    weights = stored.trainer.get("class_weights")
    if isinstance(weights, Mapping):
        raise ConfigError(f"{name}: trainer.class_weights names code: use {FLAG} if you trust the run.")
    conclusion = stored.get("conclusion")
    if conclusion is not None and not _is_shipped(conclusion):
        raise ConfigError(f"{name}: conclusion names code: use {FLAG} if you trust the run.")
    cfg["conclusion"], cfg["pretrain"] = conclusion, stored.get("pretrain")
    return cfg


def _is_shipped(conclusion: Any) -> bool:
    """Whether the conclusion is one of mlcli's own, with plain settings."""
    if not isinstance(conclusion, Mapping) or not str(conclusion.get("_target_")).startswith(CONCLUSIONS):
        return False
    return all(not isinstance(value, Mapping | list) for value in conclusion.values())


def _elsewhere(run: StoredRun) -> str | None:
    """On which other machine, or by which other user, the run was made; None if here."""
    host = str(run.record.get("host"))
    user = (try_read_json(run.folder.path / "environment.json") or {}).get("user")
    if host != socket.gethostname():
        return f"on another machine, {host}"
    try:
        here = getpass.getuser()
    except (KeyError, OSError):
        here = "unknown"
    return f"by another user, {user}" if user is not None and user != here else None


def _listed(cfg: Settings) -> str:
    """The paths and addresses of a config, in words."""
    found = sorted(set(_places({group: cfg.get(group) for group in ("data", "model", "pretrain", "task")})))
    return ", ".join(found) or "no other files and no addresses"


def _places(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from _places(each)
    elif isinstance(node, str) and ("://" in node or os.sep in node or "/" in node):
        yield node
