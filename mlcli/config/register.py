"""Registers with Hydra and OmegaConf what the shipped configs refer to: the schema, and the name of a run's folder.

`hydra_plugins` calls it too, so that `hydra.compose` finds both from outside of mlcli, as in a notebook.
"""

import secrets
import time

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from mlcli.config.schema import Config


def register() -> None:
    OmegaConf.register_new_resolver("run_id", new_id, use_cache=True, replace=True)
    ConfigStore.instance().store(name="schema", node=Config, provider="mlcli")


def new_id() -> str:
    """A unique name of a run: the time in seconds and 32 random bits."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}"
