"""What a user did wrong, in one sentence that says what to use instead. Free of Hydra: the courier reads records."""

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class ConfigError(ValueError):
    """A command line or config that cannot run; the message is for the user."""


class UnknownKey(ConfigError):
    """An override or setting whose key is not in this config; other options of its group may have the key."""

    def __init__(self, message: str, key: str) -> None:
        super().__init__(message)
        self.key = key


@contextmanager
def as_config_error() -> Iterator[None]:
    """Turns errors of a data set, a constructor or a file about values of the config into ConfigError."""
    try:
        yield
    except ConfigError:
        raise
    except (ValueError, ImportError, OSError) as error:
        raise ConfigError(str(error)) from error


@contextmanager
def writing(path: object) -> Iterator[None]:
    """For writing to a path that the user gave: turns OSError into ConfigError."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"Cannot write {path} ({error.strerror or error}).") from error


def suggest(word: str, choices: Iterable[str], listed: bool = True) -> str:
    """` Did you mean …?` with the most similar choice, followed by all choices if `listed`."""
    names = sorted(map(str, choices))
    near = [name for name in names if name.lower() == word.lower()][:1]
    near = near or difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    question = f" Did you mean {near[0]}?" if near else ""
    return f"{question} Choices: {', '.join(names)}." if names and listed else question
