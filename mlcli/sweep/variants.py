"""Named variants: what a sweep tries where they differ in several keys at once.

`hydra.sweeper.variants` maps a name to overrides, as one would type them, or to nothing. A sweep then tries each of
them, or those that `variant=…` picks; a run's config says in `variant` which one it is.
"""

import shlex
from collections.abc import Mapping, Sequence

from mlcli.config.errors import ConfigError, suggest

KEY = "variant"


def with_variants(variants: Mapping[str, str | None], arguments: Sequence[str]) -> list[str]:
    """The sweep's arguments, the first one over all variants where none picks some."""
    picks = [argument for argument in arguments if _key(argument) == KEY]
    if variants and not picks:
        picks = [f"{KEY}={','.join(variants)}"]
    return [*picks, *(argument for argument in arguments if _key(argument) != KEY)]


def expand_variant(variants: Mapping[str, str | None], overrides: Sequence[str]) -> list[str]:
    """A trial's overrides with those that its variant stands for; where both set a key, the trial's own counts.

    Raises ConfigError for a variant that there is not.
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
