"""The decision processes that were once in one module: their old names in stored configs still open them."""

import pytest

from mlcli.run.data import build_data
from mlcli.run.trust import trusted
from mlcli.store.folder import plain
from tests.configs import run_config


@pytest.mark.parametrize("name", ["cliff_walking", "frozen_lake", "taxi"])
def test_stored_configs_of_older_versions_open(name: str) -> None:
    stored = dict(run_config(f"data={name}", "task=control", "model=q_table"))
    now = build_data(trusted(plain(stored, "run"), "run"))
    stored["data"] = {**stored["data"], "_target_": f"mlcli.data.toy_text.{name}"}
    stored["trainer"] = {**stored["trainer"], "watch": False}
    del stored["trainer"]["layer_statistics"]
    cfg = trusted(plain(stored, "run"), "run")
    assert cfg.data["_target_"] == f"mlcli.data.{name}.{name}" and cfg.trainer.layer_statistics is False
    assert build_data(cfg).digest == now.digest
