"""Named variants of a sweep, which may differ in several keys at once.

`hydra.sweeper.variants` maps a name to overrides as typed on the command line, or to null. A sweep tries all of them,
or those selected by `variant=…`; `variant` in a run's config names its variant.
"""

import shlex
from collections.abc import Mapping, Sequence

from mlcli.config.errors import ConfigError, suggest

KEY = "variant"


def with_variants(variants: Mapping[str, str | None], arguments: Sequence[str]) -> list[str]:
    """The sweep's arguments, beginning with a sweep over the selected variants (by default all of them)."""
    selected = [argument for argument in arguments if _key(argument) == KEY]
    if variants and not selected:
        selected = [f"{KEY}={','.join(variants)}"]
    return [*selected, *(argument for argument in arguments if _key(argument) != KEY)]


def expand_variant(variants: Mapping[str, str | None], overrides: Sequence[str]) -> list[str]:
    """A trial's overrides, followed by those of its variant; if both set a key, the trial's own wins.

    Raises ConfigError for an unknown variant.
    """
    own = dict(_pair(override) for override in overrides)
    if KEY not in own:
        return list(overrides)
    if own[KEY] not in variants:
        raise ConfigError(f"{KEY}={own[KEY]}: no such variant of this sweep.{suggest(own[KEY], variants)}")
    added = [override for override in shlex.split(variants[own[KEY]] or "") if _key(override) not in own]
    return [*overrides, *added]


def _pair(override: str) -> tuple[str, str]:
    key, _, value = override.partition("=")
    return key, value


def _key(override: str) -> str:
    return override.partition("=")[0]
