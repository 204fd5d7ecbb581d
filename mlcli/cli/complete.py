"""Shell completion from an index of conf/, without importing Typer or Hydra.

The script of the shell (in scripts/) passes the line up to the cursor in _MLCLI_LINE and its own name in
_MLCLI_COMPLETE, and reads one candidate per line. bash replaces only the text after the last word break (such as `=`)
and gets only that part; zsh and fish get whole words, each followed by a tab and a description.
"""

import os
import sys

from mlcli.cli.command_line import Line
from mlcli.cli.commands import (
    COMMANDS,
    CROSSVAL,
    FILES,
    FILTERS,
    FLAG_VALUES,
    FLAGS,
    RESUMED,
    SETTINGS,
    SHELLS,
    SHORT,
    TABLE_SETTINGS,
)
from mlcli.cli.flag_values import Candidates, flag_values
from mlcli.cli.run_names import run_names
from mlcli.config import index

FILES_STATUS = 3  # exit status: the shell completes file names
BREAKS = " \t\n\"'@><=;|&(:"  # default of bash's COMP_WORDBREAKS


def complete() -> int:
    """Prints the candidates for the line in the environment. Returns the exit status, FILES_STATUS for file names."""
    line = Line(os.environ.get("_MLCLI_LINE", ""))
    found = candidates(line)
    if found is None:
        return FILES_STATUS
    matching = {word: text for word, text in found.items() if word.startswith(line.word)}
    if os.environ["_MLCLI_COMPLETE"] == "bash":
        kept = 0 if line.quote else _after_break(line.word)
        sys.stdout.write("".join(f"{word[kept:]}\n" for word in matching))
    else:
        sys.stdout.write("".join(f"{word}\t{text}\n" for word, text in matching.items()))
    return 0


def script(shell: str) -> str:
    """The completion script of a shell, for `eval`. Raises ValueError for an unknown shell."""
    if shell not in SHELLS:
        raise ValueError(f"There is no completion for {shell!r}: use one of {', '.join(SHELLS)}.")
    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    with open(f"{folder}/scripts/mlcli.{shell}", encoding="utf-8") as file:  # noqa: PTH123
        return file.read()


def candidates(line: Line) -> Candidates | None:
    """Candidates for the last word; None for file names."""
    if not line.command:
        flags = {"--help": "Show the commands", "--version": "Show the version"}
        return flags if line.word[:1] == "-" else COMMANDS
    last = line.before[-1] if line.before else ""
    flag = SHORT.get(last, last)
    if flag in FLAG_VALUES:
        return flag_values(line, flag, line.word)
    name, equals, typed = line.word.partition("=")
    if equals and name in FLAG_VALUES:
        found = flag_values(line, name, typed)
        return found and {f"{name}={value}": text for value, text in found.items()}
    if line.word[:1] == "-":
        return FLAGS.get(line.command, {}) | {"--help": "Show this command's help"}
    return _arguments(line)


def _arguments(line: Line) -> Candidates | None:
    match line.command:
        case "train":
            return overrides(line)
        case "crossval":
            name, equals, _ = line.word.partition("=")
            if equals and name in CROSSVAL:
                return {f"{name}={value}": "" for value in CROSSVAL[name]}
            return (overrides(line) or {}) | {f"{name}=": " ".join(values) for name, values in CROSSVAL.items()}
        case "data":
            return _settings_of_table(line) if line.positional() else FILES
        case "runs":
            return _filters(line)
        case "evaluate" if line.positional():
            allowed, found = ("data", "split", "device"), overrides(line)
            return found and {word: text for word, text in found.items() if word.startswith(allowed)}
        case "predict" if line.positional():
            return FILES if len(line.positional()) == 1 else {}
        case "resume" if line.positional():
            found = overrides(line)
            return found and {word: text for word, text in found.items() if word.startswith(RESUMED)}
        case "show" | "serve" | "logs" | "export" | "verify" if line.positional():
            return {}
        case (
            "rm" | "show" | "compare" | "logs" | "evaluate" | "predict" | "serve" | "export" | "resume" | "verify"
        ) if "=" in line.word:
            return _filters(line)
        case "evaluate" | "show" | "predict" | "serve" | "compare" | "logs" | "rm" | "export" | "resume" | "verify":
            return (
                FILES if line.word[:1] in ("/", ".", "~") or "/" in line.word else run_names(line.value("--outputs"))
            )
        case "list" if not line.positional():
            return {group: " ".join(index.options(group)) for group in index.groups()}
        case "completion" if not line.positional():
            return dict.fromkeys(SHELLS, "")
    return {}


def _settings_of_table(line: Line) -> Candidates | None:
    """What `mlcli data FILE` takes: settings of data=csv, which has all of those of other files, and split.by."""
    words = Line(f"mlcli train data=csv {line.word}")
    found = overrides(words)
    return found and {word: text for word, text in found.items() if word.startswith(("data.", "split.by="))}


def _filters(line: Line) -> Candidates:
    return (overrides(line) or {}) | {f"{key}={value}": "" for key, values in FILTERS.items() for value in values}


def overrides(line: Line) -> Candidates | None:
    """Config groups, their options, and the keys of the config that the choices earlier on the line select.

    None for file names, if the beginning of a value differs from the default of its key.
    """
    where = index.search_path(line.value("--config-dir"), line.value("--config-path"))
    primary = line.value("--config-name").removesuffix(".yaml") or "config"
    known = sorted({*index.groups(where), *index.HYDRA_GROUPS})
    bare = line.word.lstrip("+~")
    prefix = line.word[: len(line.word) - len(bare)]
    name, equals, value = bare.partition("=")
    group = name.partition("@")[0]
    if equals and group in known and prefix != "++":
        found = _options(name, value, index.options(group, where))
    else:
        choices = index.chosen(_typed(line.before, known), where, primary)
        keys = index.all_keys(choices, where, primary)
        if equals:
            stated = SETTINGS.get(name) or (TABLE_SETTINGS.get(name) if name in keys else None)
            defaults = stated or _defaults(keys.get(name, ""))
            if value and not any(default.startswith(value) for default in defaults):
                return FILES
            found = {f"{name}={default}": "" for default in defaults}
        else:
            found = _names(bare, prefix, known, keys, choices, where)
    return {f"{prefix}{word}": text for word, text in found.items()}


def _names(
    bare: str, prefix: str, known: list[str], keys: Candidates, choices: index.Choices, where: index.Folders
) -> Candidates:
    """Groups and keys that may follow a prefix: + adds a group, ++ sets a key, ~ removes either."""
    if prefix == "+":
        return {f"{group}=": " ".join(index.options(group, where)) for group in known if not choices.get(group)}
    if prefix == "++":
        return _level(bare, keys)
    if prefix == "~":
        removable = {group: option for group, option in choices.items() if option and not group.startswith("hydra/")}
        return removable | ({key: text for key, text in keys.items() if not _hidden(key)} if "." in bare else {})
    found = _level(bare, keys)
    for group in known:
        # A group with a single option is offered by its keys only.
        if f"{group}." not in found or len(index.options(group, where)) > 1:
            found.pop(f"{group}.", None)
            found[f"{group}="] = choices.get(group, "")
    return {word: text for word, text in sorted(found.items()) if bare or not word.startswith("hydra")}


def _level(bare: str, keys: Candidates) -> Candidates:
    """Keys up to the next dot: `hydra.` for hydra.run.dir, then `hydra.run.`."""
    found: Candidates = {}
    for key, default in keys.items():
        typed, _, last = bare.rpartition(".")
        start = len(typed) + 1 if typed else 0
        if key.startswith(bare) and (last[:1] == "_" or not _hidden(key)):
            dot = key.find(".", start)
            found[f"{key}=" if dot < 0 else key[: dot + 1]] = default if dot < 0 else ""
    return found


def _hidden(key: str) -> bool:
    """Whether a key, such as `_target_`, is offered only after its underscore is typed."""
    return key.rpartition(".")[2][:1] == "_"


def _options(name: str, value: str, options: Candidates) -> Candidates:
    """`model=lstm`, or `model=lstm,mlp` in a sweep, without options that are already listed."""
    listed, comma, _ = value.rpartition(",")
    taken = listed.split(",")
    return {f"{name}={listed}{comma}{option}": text for option, text in options.items() if option not in taken}


def _defaults(default: str) -> tuple[str, ...]:
    """Values of a key: its default, unless it needs quoting in a shell, or both values of a boolean."""
    if default in ("true", "false"):
        return ("true", "false")
    text = default.replace(", ", ",")
    return (text,) if text and not set(text) & set(" $'\"\\#(){}<>|&;*?") else ()


def _typed(words: list[str], known: list[str]) -> index.Choices:
    """Choices of options earlier on the line; of a sweep's list the first one."""
    choices: index.Choices = {}
    for word in words:
        name, _, value = word.lstrip("+").partition("=")
        if name.lstrip("~").partition("@")[0] in known:
            choices[name.lstrip("~")] = "" if word[0] == "~" else value.partition(",")[0]
    return choices


def _after_break(word: str) -> int:
    """Where the part of the word that bash replaces begins."""
    breaks = os.environ.get("_MLCLI_BREAKS", BREAKS)
    return 1 + max((word.rfind(letter) for letter in breaks), default=-1)
