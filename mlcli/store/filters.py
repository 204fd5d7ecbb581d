"""Filters of runs: a word, or KEY=VALUE with a field of the record, a config group, a setting or its short name."""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from mlcli import renamed
from mlcli.config import index
from mlcli.config.errors import ConfigError, suggest
from mlcli.config.meant import meant
from mlcli.store.record_schemas import STATUSES
from mlcli.store.stored_run import DAMAGED, NEWER, StoredRun, short_id

Test = Callable[[StoredRun], bool]
WORDS = ("name", "id", "command")  # fields of the record that a word is searched in
FIELDS = (*WORDS, "status", "parent", "trial", "host", "reason", "kind")
COLUMNS = ("seconds", "parameters", "started")  # which are sorted by, but have no values to choose from
LONG_FLOAT = 8  # characters: a longer number is shown as 1e+09, if that is exact
RECENT = 20  # runs whose keys are suggested for one that no run has


def matching(runs: list[StoredRun], filters: Iterable[str], whole_sweeps: bool = False) -> list[StoredRun]:
    """The runs that match every filter; several values of one key are alternatives.

    A sweep has the swept values of all of its trials, and matches if one of them does; whole_sweeps: only if each of
    them does. Raises ConfigError for a key that no run has, a short name of several keys, and a value that is no
    option of its group.
    """
    catalogue = Catalogue(runs)
    tests: dict[str, list[Test]] = {}
    for text in filters:
        key, equals, value = renamed.override(text).partition("=")
        test = catalogue.test(key, value) if equals and runs else _contains(text)
        tests.setdefault(key if equals else text, []).append(test)

    def matches(run: StoredRun, key: str) -> bool:
        trials = catalogue.trials.get(run.id, []) if whole_sweeps else []
        is_swept = any(name == key or name.endswith(f".{key}") for each in trials for name in _swept_keys(each))
        return all(any(test(each) for test in tests[key]) for each in (trials if is_swept else [run]))

    return [run for run in runs if all(matches(run, key) for key in tests)]


def readable_config(run: StoredRun) -> dict[str, Any]:
    """Its config as dotted keys. Empty for a damaged run, so that the others are listed."""
    try:
        return run.flat_config
    except ConfigError:
        return {}


class Ambiguous(ConfigError):
    """A short name that stands for several keys."""


class Catalogue:
    """The keys that runs have, and the values of each run."""

    def __init__(self, runs: list[StoredRun]) -> None:
        self.runs = runs
        self.trials: dict[str, list[StoredRun]] = {}
        for run in runs:
            if run.record.get("parent") is not None:
                self.trials.setdefault(str(run.record["parent"]), []).append(run)

    def test(self, key: str, value: str) -> Test:
        """Whether a run has this value. Raises ConfigError."""
        if key in FIELDS:
            return _field(key, value)
        if key in self.groups():
            return self._option(key, value)
        found = self.key(key)
        return lambda run: any(_same(each, value, found) for each in self.values(run, found))

    def groups(self) -> set[str]:
        return {*index.groups(), *chain.from_iterable(run.record.get("options") or () for run in self.runs)}

    def key(self, name: str) -> str:
        """The dotted key of a setting, given by itself or by the end of it, as run names and columns show it.

        Of several with one end it is the one that was swept. Raises ConfigError.
        """
        swept = set(chain.from_iterable(run.record.get("swept") or () for run in self.runs))
        known = swept.union(*map(readable_config, self.runs))
        if name in known:
            return name
        ends = {key for key in known if key.endswith(f".{name}")}
        if len(ends) > 1 and len(ends & swept) == 1:
            ends &= swept
        if len(ends) > 1:
            raise Ambiguous(f"{name} is ambiguous: use {' or '.join(sorted(ends))}.")
        if ends:
            return ends.pop()
        raise ConfigError(f"no run has {name}.{self._hint(name)}")

    def values(self, run: StoredRun, key: str) -> list[Any]:
        """The value of a setting; for a sweep over it, those of its trials."""
        swept = [value for each in self.trials.get(run.id, ()) for value in _swept(each, key)]
        own = swept or _swept(run, key)
        if own:
            return own
        config = readable_config(run)
        return [config[key]] if key in config else []

    def options(self, run: StoredRun, group: str) -> set[str]:
        """The chosen option of a group, and for a sweep those of its trials. For runs of earlier versions, which did
        not store their choices: the typed option, else the parts of the name of the class."""
        trials = self.trials.get(run.id, ())
        if any(_swept(trial, group) for trial in trials):
            return set().union(*(self.options(trial, group) for trial in trials))
        stored = run.record.get("options")
        if stored:
            return {stored[group]} if group in stored else set()
        typed = [text.partition("=")[2] for text in run.overrides() if text.lstrip("+").startswith(f"{group}=")]
        if typed:
            return {typed[-1]}
        return set(str(readable_config(run).get(f"{group}._target_", "")).lower().split(".")) - {""}

    def choice(self, run: StoredRun, group: str) -> str | None:
        """The same in a text; of a run without its choices, the name of the class."""
        target = str(readable_config(run).get(f"{group}._target_", "")).lower()
        found = self.options(run, group)
        return target.rpartition(".")[2] if found == set(target.split(".")) else ", ".join(sorted(found)) or None

    def _option(self, group: str, value: str) -> Test:
        def test(run: StoredRun) -> bool:
            return value.lower() in {each.lower() for each in self.options(run, group)}

        if value not in (known := index.options(group)) and not any(map(test, self.runs)):
            chosen = {str((run.record.get("options") or {}).get(group, "")) for run in self.runs} - {""}
            raise ConfigError(f"{group}={value}: there is no such option.{suggest(value, {*known, *chosen})}")
        return test

    def _hint(self, name: str) -> str:
        recent = self.runs[:RECENT]
        if any(name in run.metrics() for run in recent):
            return f" It is a metric: use --sort {name}."
        if name in COLUMNS:
            return f" It is a column: use --sort {name}."
        known = {*FIELDS, *self.groups()}.union(*map(readable_config, recent))
        if found := meant(name, sorted(known), exact=True):
            return f" Did you mean {found}?"
        ends = {key.rpartition(".")[2] for key in known}
        return suggest(name, known if "." in name else {*FIELDS, *self.groups(), *ends} - {"_target_"}, listed=False)


def _swept_keys(run: StoredRun) -> dict[str, Any]:
    return run.record.get("swept") or {}


def _swept(run: StoredRun, key: str) -> list[Any]:
    swept = _swept_keys(run)
    return [swept[key]] if key in swept else []


def _contains(word: str) -> Test:
    return lambda run: any(word in str(run.record.get(name, "")) for name in WORDS)


def _field(key: str, value: str) -> Test:
    if key == "status":
        if value.upper() not in (known := (*STATUSES, DAMAGED, NEWER)):
            raise ConfigError(f"status={value}: there is no such status.{suggest(value.upper(), known)}")
        return lambda run: run.status == value.upper()
    if key in ("id", "parent"):
        return lambda run: value in (found := str(run.record.get(key)), short_id(found))
    return lambda run: str(run.record.get(key)) == value


def _same(stored: Any, typed: str, key: str) -> bool:
    if same_setting(stored, typed):
        return True
    is_renamed = key in renamed.METRIC_KEYS and same_setting(stored, renamed.metric(typed))
    if is_renamed:
        renamed.metric(typed, quiet=False)
    return is_renamed


def same_setting(stored: Any, typed: str) -> bool:
    """Whether a value of a config is the one that was typed: 0.01 is 1e-2, and null is None."""
    try:
        return float(stored) == float(typed)
    except (TypeError, ValueError, OverflowError):
        return _plain(typed) in (_plain(setting_text(stored)), _plain(str(stored)))


def _plain(text: str) -> str:
    return text.lower().replace(" ", "")


def setting_text(value: Any) -> str:
    """A value of a config as it is typed: null, true, 1e-8."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(setting_text, value))}]"
    short = f"{value:g}" if isinstance(value, float) and len(str(value)) > LONG_FLOAT else ""
    return short if short and float(short) == value else str(value)
