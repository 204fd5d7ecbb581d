"""Which of the swept options of a group have a key: `optimizer.momentum` is a key of momentum and not of sgd."""

from collections.abc import Sequence

from mlcli.config.check import check
from mlcli.config.errors import ConfigError, UnknownKey
from mlcli.config.trials import TrialComposer


def explain_unknown_key(
    composer: TrialComposer, all_overrides: Sequence[Sequence[str]], error: UnknownKey
) -> UnknownKey:
    """The error of one trial, extended to the sweep: its message says which of the swept options have the key."""
    swept = _swept_groups(composer, all_overrides)
    fits: dict[str, bool] = {}
    errors = [error]
    for overrides in all_overrides:
        option = _option(composer.groups(overrides), swept, error.key)
        if option and option not in fits and any(_key(text) == error.key for text in overrides):
            found = _unknown_key(composer, overrides, error.key)
            fits[option] = found is None
            errors += [found] if found else []
    good, bad = ([option for option, fit in fits.items() if fit is wanted] for wanted in (True, False))
    if good and bad:
        return UnknownKey(
            f"{error.key} fits {', '.join(good)}, not {', '.join(bad)}: sweep over options that have it.", error.key
        )
    return next((each for each in errors if "Did you mean" in str(each)), error)


def _unknown_key(composer: TrialComposer, overrides: Sequence[str], key: str) -> UnknownKey | None:
    try:
        check(composer(overrides))
    except UnknownKey as error:
        return error if error.key == key else None
    except ConfigError:  # an error that does not concern the key
        return None
    return None


def _swept_groups(composer: TrialComposer, all_overrides: Sequence[Sequence[str]]) -> set[str]:
    values: dict[str, set[str]] = {}
    for overrides in all_overrides:
        picked = {_key(text): text for text in composer.groups(overrides)}
        for group in {*values, *picked}:
            values.setdefault(group, set()).add(picked.get(group, ""))
    return {group for group, texts in values.items() if len(texts) > 1}


def _option(groups: Sequence[str], swept: set[str], key: str) -> str:
    """The trial's option of the key's group if that group is swept, else its options of all swept groups."""
    picked = {_key(text): text.partition("=")[2] for text in groups if _key(text) in swept}
    own = picked.get(key.partition(".")[0])
    return own or " ".join(f"{group}={option}" for group, option in picked.items())


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+~")
