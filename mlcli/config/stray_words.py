"""Words on the command line that set nothing, such as `optimizer.lr = 0.01`, and what to type instead."""

from collections.abc import Sequence

from mlcli.config import index
from mlcli.config.errors import ConfigError
from mlcli.config.meant import meant

INSTEAD = "use KEY=VALUE, without spaces around the ="


def check_words(overrides: Sequence[str], multirun: bool) -> None:
    """Raises ConfigError for the first word that is neither KEY=VALUE nor ~KEY."""
    words = ["", *overrides, "", ""]
    for before, word, *after in zip(words, words[1:-2], words[2:], words[3:], strict=False):
        if message := _split_setting(word, *after) or _split_value(before, word, after[0], multirun):
            raise ConfigError(message)
        if _is_stray(word):
            raise ConfigError(_single(word, after[0]))


def _is_stray(word: str) -> bool:
    return "=" not in word and not word.startswith("~")


def _split_setting(word: str, after: str, last: str) -> str | None:
    """The message for `KEY = VALUE`, `KEY =VALUE` and `KEY= VALUE`. after, last: the next two words of the line."""
    if _is_stray(word) and after == "=":
        setting = f"{word}={last or 'VALUE'}"
    elif (_is_stray(word) and after.startswith("=")) or (word.endswith("=") and after and _is_stray(after)):
        setting = f"{word}{after}"
    else:
        return None
    return f"no spaces around the =: use {setting}."


def _split_value(before: str, word: str, after: str, multirun: bool) -> str | None:
    """The message for a value that the shell has split: at a comma of a sweep, or at a space."""
    if not _is_stray(word) or "=" not in before:
        return None
    key, _, value = before.partition("=")
    if before.endswith(",") or word.startswith(","):
        return f"no spaces around commas: use {before}{word}{after if word == ',' else ''}."
    is_alike = _is_number(word) and _is_number(value.rpartition(",")[2])
    if multirun and (is_alike or _known_word(word) == f"{key}={word}"):
        return f"the values of a sweep are separated by commas: use {before},{word}."
    if _known_word(word) is None:
        return f"{word!r} sets nothing: {INSTEAD}; quote a value with a space, as in '{key}=\"{value} {word}\"'."
    return None


def _single(word: str, after: str) -> str:
    """The message for a word that stands alone. after: the next word of the line."""
    if found := _known_word(word):
        return f"{word!r} sets nothing: use {found}."
    if after and _is_stray(after) and (key := _known_key(word)):
        return f"{word!r} sets nothing: use {key}={after}."
    if word in index.groups():
        return f"{word!r} is a group of options: use {word}=OPTION, see `mlcli list {word}`."
    name, _, value = word.partition(":")
    if value and (key := _known_key(name)):
        return f"{word!r} sets nothing: use {key}={value}."
    if word.endswith((".yaml", ".yml")):
        files = "GROUP=NAME for conf/GROUP/NAME.yaml, or --config-name NAME for conf/NAME.yaml"
        return f"{word!r} sets nothing: use {files}."
    return f"{word!r} sets nothing: {INSTEAD}."


def _known_key(word: str) -> str | None:
    """A group, a dotted key, or the key of this name or meaning in the default config."""
    if "." in word or word in index.groups():
        return word
    return meant(word, list(index.all_keys(index.chosen({}))), exact=True)


def _known_word(word: str) -> str | None:
    """`model=lstm` for `lstm`, `lstm.yaml` and `conf/model/lstm.yaml`; None for what is no option."""
    parts = word.removesuffix(".yaml").split("/")
    holders = [group for group in index.groups() if parts[-1] in index.options(group)]
    if len(parts) > 1:
        holders = [group for group in holders if group == parts[-2]]
    return f"{holders[0]}={parts[-1]}" if holders else None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
