"""Grid search: the overrides of each trial, from every combination of the swept values and the repeats."""

import re
import shlex
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from mlcli.config.errors import ConfigError

REPEATS, SEED = "trainer.repeats", "trainer.seed"


def combinations(overrides: Sequence[Override]) -> list[list[str]]:
    """Every combination of the swept values, together with the other overrides, all as typed.

    Of several overrides of one key the last counts. Raises ConfigError for an interval, which has no finite values.
    """
    values: dict[str, list[str]] = {}
    for override in overrides:
        key = override.get_key_element()
        if not override.is_sweep_override():
            values[key] = [str(override.input_line)]
        elif override.is_discrete_sweep():
            try:
                values[key] = [_unescaped(f"{key}={value}") for value in override.sweep_string_iterator()]
            except ValueError as error:  # a range with a step of 0
                raise ConfigError(f"{override.input_line}: {error}.") from error
        else:
            raise ConfigError(
                f"{override.input_line}: an interval has infinitely many values: use a list, or range(…)."
            )
        if not values[key]:
            raise ConfigError(f"{override.input_line} has no values.")
    return [list(each) for each in product(*values.values())]


def with_repeats(
    overrides: Sequence[Override], variants: Iterable[str | None], repeats: int, first: int
) -> list[str]:
    """The overrides with `trainer.repeats` replaced by a sweep over seeds.

    variants: overrides of the named variants; repeats, first: number of seeds and the first seed, from the sweep's
    config. Raises ConfigError if seeds or repeats are swept elsewhere too.
    """
    for override in overrides:
        if override.key_or_group == REPEATS:
            repeats = _number(override, f"{REPEATS} is one number of seeds for all trials")
    added = [text for variant in variants for text in shlex.split(variant or "")]
    if any(text.lstrip("+~").partition("=")[0] == REPEATS for text in added):
        raise ConfigError(f"{REPEATS} applies to the whole sweep: a variant cannot set it.")
    if repeats == 1:
        return [str(override.input_line) for override in overrides]
    if any(text.lstrip("+~").partition("=")[0] == SEED for text in added):
        raise ConfigError(f"{REPEATS} sweeps over seeds itself: leave {SEED} out of the variants.")
    for override in overrides:
        if override.key_or_group == SEED:
            first = _number(override, f"{REPEATS} sweeps over seeds itself, from {SEED} on")
    own = [str(each.input_line) for each in overrides if each.key_or_group not in (REPEATS, SEED)]
    seeds = ",".join(str(seed) for seed in range(first, first + repeats))
    return [*own, f"{SEED}={seeds}", f"{REPEATS}=1"]


def _number(override: Override, what: str) -> int:
    value = None if override.is_sweep_override() else override.value()
    if not isinstance(value, int) or isinstance(value, bool) or value < (override.key_or_group == REPEATS):
        raise ConfigError(f"{override.input_line}: {what}; use one whole number.")
    return value


def _unescaped(override: str) -> str:
    """With interpolations as typed: Hydra returns values of a list as `$\\{optimizer.lr\\}`."""
    plain = re.sub(r"\\([\\()\[\]{}:=, \t])", r"\1", override)
    if plain == override:
        return override
    read = _read(plain)
    return plain if read is not None and _read(override) in (read, None) else override


def _read(override: str) -> Any:
    """The value of an override, or None if Hydra cannot parse it."""
    try:
        return OverridesParser.create().parse_override(override).value()
    except HydraException:
        return None
