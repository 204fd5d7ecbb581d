"""A message that names models names those that would do."""

import pytest

from mlcli.config.errors import ConfigError
from mlcli.run.build import Parts, build
from tests.configs import run_config


def parts_of(*overrides: str) -> Parts:
    return build(run_config("device=cpu", *overrides))


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (["data=breast_cancer", "model=cnn"], {"mlp", "transformer"}),
        (["data=breast_cancer", "task=reconstruction", "model=conv_autoencoder"], {"autoencoder", "vae"}),
    ],
)
def test_each_model_that_a_message_names_can_be_built(overrides: list[str], named: set[str]) -> None:
    with pytest.raises(ConfigError, match="use model=") as told:
        parts_of(*overrides)
    names = str(told.value).rpartition("model=")[2].rstrip(".").split("|")
    assert named <= set(names)
    for name in names:
        parts_of(*overrides, f"model={name}")
