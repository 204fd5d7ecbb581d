"""Runs `mlcli crossval` as a sweep over the folds. Does not import Typer, like training."""

from mlcli.cli.commands import CROSSVAL
from mlcli.cli.errors import user_errors

SHORT = {"by": "split.by", "metric": "sweep.metric"}
OWN = {"split.folds": "folds=5", "split.fold": "folds=5", "trainer.repeats": "repeats=3"}
FLAGS = ("--run", "--experimental-rerun")


def main(arguments: list[str]) -> None:
    """Runs `mlcli crossval`."""
    from mlcli.cli.training import main as train

    with user_errors():
        sweep = as_sweep(arguments)
    train(sweep)


def as_sweep(arguments: list[str]) -> list[str]:
    """Translates the arguments of `mlcli crossval` to those of `mlcli train`. Raises ConfigError.

    Its own arguments are folds=5, repeats=1 (each with its own split.seed), by=example|group|class|time and
    metric=test/…. Without split.val no validation data is held out, and the last epoch counts, except for models with
    early stopping by default.
    """
    from mlcli.config.errors import ConfigError
    from mlcli.config.meant import meant

    given: dict[str, str] = {}
    for each in arguments:
        key, equals, value = each.partition("=")
        if not each.startswith("-") and equals:
            if key in given and key in CROSSVAL:
                raise ConfigError(f"{key} is given twice: {key}={given[key]} and {each}.")
            given[key] = value
            name = meant(key, list(CROSSVAL), exact=True)
            if name in CROSSVAL and key not in CROSSVAL and "." not in key:
                raise ConfigError(f"crossval has no {key}: use {name}={value}.")
        if key.lstrip("+~") in OWN:
            raise ConfigError(f"crossval sets {key.lstrip('+~')} itself: use {OWN[key.lstrip('+~')]}.")
    for key in ("by", "metric", *SHORT.values()):
        if set(given.get(key, "")) & set(",()") and not _is_one(key, given[key], arguments):
            raise ConfigError(
                f"{key}={given[key]}: a cross-validation takes a single value; compare models or settings instead."
            )
    folds, repeats = _count(given, "folds", 5, 2), _count(given, "repeats", 1, 1)
    read, own = {"folds", "repeats"}, ["-m", f"split.folds={folds}", f"split.fold=range({folds})", "conclusion=null"]
    if repeats > 1:
        first = _count(given, "split.seed", 0, 0)
        own.append(f"split.seed=range({first},{first + repeats})")
        read.add("split.seed")
    defaults = {"sweep.figures": "0"} if _stops_early(given) else {"split.val": "0", "sweep.figures": "0"}
    if (defaults | given).get("split.val") in ("0", "0.0"):
        defaults["trainer.monitor"] = "train/loss"
    own += [f"{key}={value}" for key, value in defaults.items() if key not in given]
    return [*own, *(_long(each) for each in arguments if "=" not in each or each.partition("=")[0] not in read)]


def _stops_early(given: dict[str, str]) -> bool:
    """Whether one of the models has early stopping by its own defaults, as those for tables. It needs validation
    data."""
    from mlcli.config import index

    if {"trainer", "trainer.patience"} & given.keys():
        return False
    groups = index.groups()
    typed = {key: value.partition(",")[0] for key, value in given.items() if key in groups}
    for model in given["model"].split(",") if "model" in given else [""]:
        choices = index.chosen(typed | ({"model": model} if model else {}))
        if index.all_keys(choices).get("trainer.patience", "null") != "null":
            return True
    return False


def _is_one(key: str, value: str, arguments: list[str]) -> bool:
    """Whether the value is one column of the user's table, as in by=group:Sale, price."""
    from mlcli.config.own_table import readable
    from mlcli.config.quoting import parsed_override

    own = [each for each in arguments if each.startswith("data")]
    parsed = parsed_override(readable([f"{SHORT.get(key, key)}={value}", *own])[0])
    return parsed is not None and not parsed.is_sweep_override()


def _long(argument: str) -> str:
    key, equals, value = argument.partition("=")
    value = f"test/{value}" if key == "metric" and "/" not in value else value
    return f"{SHORT.get(key, key)}{equals}{value}"


def _count(given: dict[str, str], key: str, default: int, least: int) -> int:
    from mlcli.config.errors import ConfigError

    text = given.get(key, str(default))
    if not text.isdecimal() or int(text) < least:
        raise ConfigError(f"{key}={text}: must be a whole number at least {least}.")
    return int(text)
