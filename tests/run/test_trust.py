"""A config from disk builds only what is trusted."""

import pytest

from mlcli.config.errors import ConfigError
from mlcli.run.trust import check_targets


@pytest.mark.parametrize("target", ["mlcli.model.mlp.MLP", "torch.optim.Adam", "torch.nn.Linear", "sklearn.svm.SVC"])
def test_trusted(target: str) -> None:
    check_targets({"model": {"_target_": target}})


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "torch.load",
        "torch.hub.load",
        "mlcli.run.environment.subprocess.run",
        "subprocess.Popen",
        "sklearn.utils._testing._delete_folder",
        "sklearn.datasets.fetch_openml",
        "sklearn.model_selection._search.Pipeline.os",
    ],
)
def test_not_trusted(target: str) -> None:
    with pytest.raises(ConfigError):
        check_targets({"model": {"layers": [{"_target_": target}]}})


def test_a_user_can_trust_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"optimizer": {"_target_": "collections.OrderedDict"}}
    with pytest.raises(ConfigError, match="MLCLI_TRUST=collections"):
        check_targets(config)
    monkeypatch.setenv("MLCLI_TRUST", "collections")
    check_targets(config)
