"""Validates a composed config before anything is built or written.

Plain groups are checked against the dataclasses of `mlcli.config.schema`, groups with a `_target_` against the
signature of their constructor. Every mistake is a ConfigError that names the key, the value and what to use instead.
"""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Literal

from mlcli.config.annotations import describe, fits, parameter_types
from mlcli.config.errors import ConfigError, UnknownKey, suggest
from mlcli.config.locate import locate
from mlcli.config.meant import meant
from mlcli.config.ranges import Range
from mlcli.config.redact import has_password
from mlcli.config.schema import Config
from mlcli.config.settings import leaves
from mlcli.config.stored import has_interpolation
from mlcli.config.supplied import SUPPLIED

# torch.optim annotates no ranges, and some of its optimizers accept a negative learning rate.
OPTIMIZER_RANGES = {
    "lr": Range(0),
    "weight_decay": Range(0),
    "momentum": Range(0, 1, high_open=True),
    "eps": Range(0),
}
# Keys of a group that mlcli reads and that no constructor takes, with their types.
Texts = str | Sequence[str]
EXTRA_KEYS: dict[str, dict[str, Any]] = {
    "model": {"accepts": Texts, "init_from": str | None, "freeze": Texts | None},
    "task": {"loss": Any},
    "scheduler": {"interval": Literal["epoch", "step"] | None},
}
GROUPS = ("task", "data", "model", "optimizer", "scheduler")
INPUTS = ("outputs", "predictions", "probabilities")  # of a metric
# Settings of `trainer` that a dataclass of Hydra cannot describe.
NESTED: tuple[tuple[str, Any, str], ...] = (
    (
        "class_weights",
        Literal["balanced"] | Sequence[float] | Mapping[str, Any] | None,
        "null, balanced, one number per class, or a function of the class counts by _target_",
    ),
    ("lr_scale", Mapping[str, float] | None, "null, or a factor by pattern of parameter names, as in {head: 0.1}"),
)


def check(config: Mapping[str, Any], groups: Sequence[str] = GROUPS) -> None:
    """Raises ConfigError for the first setting that is unknown, of the wrong type or out of range.

    groups: those with a `_target_` that will be built.
    """
    if has_interpolation(config):  # escaped, as in name='\\${x}'
        raise ConfigError("the config holds a literal ${…}, which could not be stored: leave it out")
    _check_dataclass(Config, config, "")
    figures = config["sweep"]["figures"]
    if figures != "all" and (isinstance(figures, bool) or not isinstance(figures, int)):
        raise ConfigError(f"sweep.figures={figures}: must be a whole number, or all.")
    for key, hint, wanted in NESTED:
        if not fits(hint, config["trainer"][key]):
            raise ConfigError(f"trainer.{key}={config['trainer'][key]}: must be {wanted}.")
    if not fits(Texts | None, config["pretrain"]):
        raise ConfigError(f"pretrain={config['pretrain']}: must be a list of overrides, or a run.")
    if not config["outputs"]:
        raise ConfigError("outputs is empty: use outputs=FOLDER.")
    _check_validation(config)
    for group in groups:
        node = config[group]
        if not isinstance(node, Mapping) or "_target_" not in node:
            raise ConfigError(f"{group} has no _target_: pick one with {group}=…, see `mlcli list {group}`.")
        check_call(group, node)
    _check_own(config)
    if config["conclusion"] is not None:
        if not isinstance(config["conclusion"], Mapping) or "_target_" not in config["conclusion"]:
            raise ConfigError(f"conclusion={config['conclusion']}: must be a group with a _target_.")
        check_call("conclusion", config["conclusion"])


def _check_own(config: Mapping[str, Any]) -> None:
    """Raises ConfigError for a loss, a metric or class weights that are no class or function of the user's own."""
    weights, metrics, loss = config["trainer"]["class_weights"], config.get("metrics"), config["task"].get("loss")
    if not isinstance(metrics, Mapping | None):
        raise ConfigError(f"metrics={metrics}: must be functions by name, as in {{kappa: {{_target_: …}}}}.")
    own = {f"metrics.{name}": node for name, node in (metrics or {}).items()}
    own |= {"trainer.class_weights": weights} if isinstance(weights, Mapping) else {}
    for place, node in {**own, "task.loss": loss}.items():
        if node is not None and not (isinstance(node, Mapping) and isinstance(node.get("_target_"), str)):
            named = node if isinstance(node, str) and node else "MODULE.FUNCTION"
            raise ConfigError(f"{place}={node}: must be a class or function, as in {place}._target_={named}.")
    for place, node in own.items():
        if node.get("direction") not in (None, "min", "max"):
            raise ConfigError(f"{place}.direction={node['direction']}: must be min or max.")
        if node.get("input") not in (None, *INPUTS):
            raise ConfigError(f"{place}.input={node['input']}: must be one of {', '.join(INPUTS)}.")
        settings = {name: value for name, value in node.items() if name not in ("direction", "input")}
        check_call(place, {**settings, "_partial_": True})


def _check_validation(config: Mapping[str, Any]) -> None:
    """Raises ConfigError for settings that need a validation split, where there is none."""
    monitor = config["trainer"]["monitor"]
    if config["split"]["val"]:
        return
    if monitor.startswith("val/"):
        raise ConfigError(
            f"split.val=0 leaves no examples for {monitor}: use split.val=0.2, or trainer.monitor=train/loss."
        )
    if config["trainer"]["patience"] is not None:
        raise ConfigError(
            "trainer.patience needs a validation split: use split.val=0.2, or trainer.patience=null "
            "trainer.epochs=…, which keeps the last epoch."
        )


def _check_dataclass(schema: type, node: Any, prefix: str) -> None:
    if not isinstance(node, Mapping):
        raise ConfigError(f"{prefix.rstrip('.')} must be a group of settings, not {node!r}.")
    known = {field.name: field for field in fields(schema)}
    _check_names(node, set(known), prefix)
    for name, field in known.items():
        value = node.get(name)
        if is_dataclass(field.type):
            _check_dataclass(field.type, value, f"{prefix}{name}.")  # type: ignore[arg-type]
        if value is None:
            continue
        if "range" in field.metadata:
            _check_range(f"{prefix}{name}", value, field.metadata["range"])
        _check_choice(f"{prefix}{name}", value, field.metadata)


def _check_choice(key: str, value: Any, metadata: Mapping[str, Any]) -> None:
    """Raises ConfigError for a value that is none of the choices, and for one without the column that it needs."""
    choices = metadata.get("choices")
    if not choices or value in choices:
        return
    with_column = metadata.get("with_column", ())
    word, colon, column = str(value).partition(":")
    if word in with_column and column:
        return
    if word in with_column or (colon and word in choices):
        instead = f"use {key}={word}:COLUMN" if word in with_column else f"use {key}={word}"
        raise ConfigError(f"{key}={value}: {instead}.")
    listed = [*choices, *(f"{each}:COLUMN" for each in with_column)]
    raise ConfigError(f"{key}={value}: no such choice.{suggest(str(value), listed)}")


def _check_names(node: Mapping[str, Any], known: set[str], prefix: str) -> None:
    for name in node:
        if name not in known:
            key, found = f"{prefix}{name}", meant(f"{prefix}{name}", [f"{prefix}{each}" for each in known])
            hint = f" Did you mean {found.removeprefix(prefix)}?" if found else ""
            raise UnknownKey(f"There is no {key}.{hint} Choices: {', '.join(sorted(known))}.", key)


def check_urls(overrides: Iterable[str]) -> None:
    """Raises ConfigError for a URL of data with a password, which would be stored with the run."""
    for text in overrides:
        key = text.partition("=")[0].lstrip("+")
        if key.startswith("data.") and has_password(text):
            advice = f"put the URL into an environment variable and use {key}=env:NAME"
            raise ConfigError(f"{key} holds a password, which would be stored with the run: {advice}.")


def check_call(group: str, node: Mapping[str, Any]) -> None:
    """Checks names and types of a group, and of groups nested in it, against the constructor's signature."""
    if group == "data":
        check_urls(f"data.{key}={value}" for key, value in leaves(dict(node)))
    called = locate(str(node["_target_"]), f"{group}._target_")
    parameters = inspect.signature(called).parameters
    supplied = {**SUPPLIED.get(group, {})}
    extra = {name: hint for name, hint in EXTRA_KEYS.get(group, {}).items() if name not in parameters}
    if group.partition(".")[0] == "scheduler":
        supplied["optimizer"] = "for schedulers of torch, also nested ones"
    given = {k: v for k, v in node.items() if not str(k).startswith("_") and k not in extra}
    takes_any = any(p.kind == p.VAR_KEYWORD for p in parameters.values())
    if not takes_any:
        _check_names(given, set(parameters) - supplied.keys(), f"{group}.")
    for name, parameter in parameters.items():
        required = parameter.default is parameter.empty and parameter.kind not in (
            parameter.VAR_KEYWORD,
            parameter.VAR_POSITIONAL,
        )
        if required and name not in given and name not in supplied and not node.get("_partial_"):
            raise ConfigError(f"{group}.{name} needs a value: use +{group}.{name}=…")
    hints = parameter_types(called) | extra
    for name, value in (given | {k: v for k, v in node.items() if k in extra}).items():
        hint = hints.get(name, Any)
        if not fits(hint, value):
            wanted = "a number, or auto" if (group, name) == ("optimizer", "lr") else describe(hint)
            listed = isinstance(value, Sequence) and not isinstance(value, str)
            sweep = f"; a sweep is -m {group}.{name}={','.join(map(str, value))}" if listed else ""
            raise ConfigError(f"{group}.{name}={value}: must be {wanted}{sweep}.")
        if group == "optimizer" and name in OPTIMIZER_RANGES:
            _check_range(f"optimizer.{name}", value, OPTIMIZER_RANGES[name])
        for nested in value if isinstance(value, Sequence) and not isinstance(value, str) else (value,):
            if isinstance(nested, Mapping) and "_target_" in nested:
                check_call(f"{group}.{name}", nested if name not in extra else {**nested, "_partial_": True})


def _check_range(key: str, value: Any, allowed: Range) -> None:
    if isinstance(value, int | float) and value not in allowed:
        raise ConfigError(f"{key}={value}: must be {allowed}.")
