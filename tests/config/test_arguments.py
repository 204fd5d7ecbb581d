"""Flags and overrides of `mlcli train`."""

import pytest

from mlcli.config.arguments import parse
from mlcli.config.errors import ConfigError


def test_flags_in_any_order() -> None:
    flags = parse(["model=lstm", "-m", "optimizer.lr=1,2", "--config-dir", "x", "seed=3"])
    assert flags.multirun
    assert flags.config_dir == "x"
    assert flags.overrides == ["model=lstm", "optimizer.lr=1,2", "seed=3"]


def test_unknown_flag_is_a_users_mistake() -> None:
    with pytest.raises(ConfigError, match="--multi-run"):
        parse(["--multi-run"])


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--info", "x"], "invalid choice: 'x'"),
        (["--cfg", "x"], "invalid choice: 'x'"),
        (["--cfg"], "--cfg/-c: expected one argument"),
        (["--quiet=1"], "-q/--quiet"),
        (["--experimental-rerun"], "expected one argument"),
        (["--experimental-rerun", "x"], "loads a pickle"),
        (["--run", "-m"], "exclude each other"),
        (["-q", "-v"], "exclude each other"),
        (["--cfg", "job", "--dry-run"], "--cfg and --dry-run exclude each other"),
        (["--cfg", "job", "--info", "all"], "--cfg and --info exclude each other"),
        (["--package", "optimizer"], "use it with --cfg job"),
        (["--resolve"], "use it with --cfg job"),
        (["--config-name", ""], "--config-name is empty"),
        (["--config-path", ""], "--config-path is empty"),
        (["--config-dir", ""], "--config-dir is empty"),
        (["--config", "x"], "mbiguous option"),
    ],
)
def test_flags_with_a_wrong_value(arguments: list[str], wanted: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(arguments)
    assert wanted in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--mutlirun", "There is no option --mutlirun. Did you mean --multirun?"),
        ("--model lstm", "There is no option --model: settings have no dashes, use model=lstm."),
        ("--optimizer.lr=0.1 model=lstm", "settings have no dashes, use optimizer.lr=0.1."),
        ("--folds 5", "settings have no dashes, use folds=5."),
        ("--epochs 5", "settings have no dashes, use trainer.epochs=5."),
        ("--lr 0.1", "settings have no dashes, use optimizer.lr=0.1."),
        ("-x", "There is no option -x."),
    ],
)
def test_an_unknown_flag_leads_to_what_was_meant(line: str, message: str) -> None:
    with pytest.raises(ConfigError) as found:
        parse(line.split())
    assert message in str(found.value)
