"""Shell completion: answers from an index of conf/, before Typer or Hydra could even be imported.

The shell's script (in scripts/) passes the line up to the cursor in _MLCLI_LINE and its name in _MLCLI_COMPLETE, and
reads one candidate a line. bash replaces only what follows its last word break (`=` is one), so it gets only that
part; zsh and fish get whole words, each with a tab and a description.
"""

import os
import sys

from mlcli.cli.commands import COMMANDS, CROSSVAL, FILES, FLAG_VALUES, FLAGS, SHELLS, SHORT
from mlcli.config import index

FILES_STATUS = 3  # tells the shell to complete file names
BREAKS = " \t\n\"'@><=;|&(:"  # bash's default COMP_WORDBREAKS
NEWEST = 100  # runs whose records are read for their names
LONGEST = 2**16  # characters of a record in which its name is looked for

Candidates = dict[str, str]  # what the word may become, with a description


class Line:
    """What is typed, up to the cursor."""

    def __init__(self, text: str) -> None:
        words, self.quote = split(text)
        while len(words) > 1 and "=" in words[0]:  # VARIABLE=value before the command
            words = words[1:]
        self.word = words[-1]
        self.command = words[1] if len(words) > 2 else ""
        self.before = words[2:-1]

    def value(self, flag: str) -> str:
        """What was given to a flag earlier on the line, or ""."""
        for name, given in zip(self.before, [*self.before, ""][1:], strict=True):
            if SHORT.get(name, name) == flag:
                return os.path.expanduser(given)  # noqa: PTH111  # pathlib takes 14 ms to import
            if name.startswith(f"{flag}="):
                return os.path.expanduser(name[len(flag) + 1 :])  # noqa: PTH111
        return ""

    def positional(self) -> list[str]:
        """Words before the cursor that are neither flags nor flags' values."""
        previous = ["", *self.before[:-1]]
        pairs = zip(previous, self.before, strict=False)
        return [word for flag, word in pairs if word[:1] != "-" and SHORT.get(flag, flag) not in FLAG_VALUES]


def complete() -> int:
    """Prints the candidates for the line in the environment; the exit status is FILES_STATUS where files fit."""
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
    """The shell's side, for `eval`. Raises ValueError for a shell that is not known."""
    if shell not in SHELLS:
        raise ValueError(f"There is no completion for {shell!r}: use one of {', '.join(SHELLS)}.")
    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    with open(f"{folder}/scripts/mlcli.{shell}", encoding="utf-8") as file:  # noqa: PTH123
        return file.read()


def candidates(line: Line) -> Candidates | None:
    """What the last word may become; None where that is a file name."""
    if not line.command:
        return COMMANDS | {"--help": "Show the commands"} if line.word[:1] == "-" else COMMANDS
    last = line.before[-1] if line.before else ""
    flag = SHORT.get(last, last)
    if flag in FLAG_VALUES:
        return _values(flag, "")
    name, equals, _ = line.word.partition("=")
    if equals and name in FLAG_VALUES:
        return _values(name, f"{name}=")
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
        case "runs":
            statuses = ("RUNNING", "FINISHED", "FAILED", "KILLED")
            return (overrides(line) or {}) | {f"status={status}": "" for status in statuses}
        case "evaluate" if line.positional():
            allowed, found = ("data", "split", "device"), overrides(line)
            return found and {word: text for word, text in found.items() if word.startswith(allowed)}
        case "predict" if line.positional():
            return FILES if len(line.positional()) == 1 else {}
        case "show" | "serve" if line.positional():
            return {}
        case "evaluate" | "show" | "predict" | "serve" | "compare":
            return (
                FILES if line.word[:1] in ("/", ".", "~") or "/" in line.word else run_names(line.value("--outputs"))
            )
        case "list" if not line.positional():
            return {group: " ".join(index.options(group)) for group in index.groups()}
        case "completion" if not line.positional():
            return dict.fromkeys(SHELLS, "")
    return {}


def overrides(line: Line) -> Candidates | None:
    """Groups, their options, and keys of the config that the choices earlier on the line make.

    None for a value that is begun and is not the key's default: perhaps a path.
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
            defaults = _defaults(keys.get(name, ""))
            if value and not any(default.startswith(value) for default in defaults):
                return FILES
            found = {f"{name}={default}": "" for default in defaults}
        else:
            found = _names(bare, prefix, known, keys, choices, where)
    return {f"{prefix}{word}": text for word, text in found.items()}


def _names(
    bare: str, prefix: str, known: list[str], keys: Candidates, choices: index.Choices, where: index.Folders
) -> Candidates:
    """Groups and keys by what may follow a prefix: + adds a group, ++ sets a key, ~ removes either."""
    if prefix == "+":
        return {f"{group}=": " ".join(index.options(group, where)) for group in known if not choices.get(group)}
    if prefix == "++":
        return _level(bare, keys)
    if prefix == "~":
        removable = {group: option for group, option in choices.items() if option and not group.startswith("hydra/")}
        return removable | ({key: text for key, text in keys.items() if not _hidden(key)} if "." in bare else {})
    found = _level(bare, keys)
    for group in known:
        # A group of one option is there for its keys: `trainer=default` is no choice.
        if f"{group}." not in found or len(index.options(group, where)) > 1:
            found.pop(f"{group}.", None)
            found[f"{group}="] = choices.get(group, "")
    return {word: text for word, text in sorted(found.items()) if bare or not word.startswith("hydra")}


def _level(bare: str, keys: Candidates) -> Candidates:
    """Keys down to the next dot: `hydra.` for hydra.run.dir, `hydra.run.` once that is typed."""
    found: Candidates = {}
    for key, default in keys.items():
        typed, _, last = bare.rpartition(".")
        start = len(typed) + 1 if typed else 0
        if key.startswith(bare) and (last[:1] == "_" or not _hidden(key)):
            dot = key.find(".", start)
            found[f"{key}=" if dot < 0 else key[: dot + 1]] = default if dot < 0 else ""
    return found


def _hidden(key: str) -> bool:
    """Whether a key is for programmers, as `_target_` is: offered once its underscore is typed."""
    return key.rpartition(".")[2][:1] == "_"


def _options(name: str, value: str, options: Candidates) -> Candidates:
    """`model=lstm`, and in a sweep's list `model=lstm,mlp`: what is listed already is not offered again."""
    listed, comma, _ = value.rpartition(",")
    taken = listed.split(",")
    return {f"{name}={listed}{comma}{option}": text for option, text in options.items() if option not in taken}


def _defaults(default: str) -> tuple[str, ...]:
    """What may follow `key=`: its default, if a shell takes that as it stands; both values of a boolean."""
    if default in ("true", "false"):
        return ("true", "false")
    text = default.replace(", ", ",")
    return (text,) if text and not set(text) & set(" $'\"\\#(){}<>|&;*?") else ()


def _typed(words: list[str], known: list[str]) -> index.Choices:
    """Choices made earlier on the line; of a sweep's list the first counts."""
    choices: index.Choices = {}
    for word in words:
        name, _, value = word.lstrip("+").partition("=")
        if name.lstrip("~").partition("@")[0] in known:
            choices[name.lstrip("~")] = "" if word[0] == "~" else value.partition(",")[0]
    return choices


def _values(flag: str, before: str) -> Candidates | None:
    values = FLAG_VALUES[flag]
    return FILES if values is None else {f"{before}{value}": "" for value in values}


def run_names(given: str = "") -> Candidates:
    """`last`, names, then ids of runs and sweeps in the folder of runs, newest first."""
    outputs = given or os.environ.get("MLCLI_OUTPUTS") or "outputs"
    folders = []
    for kind in ("runs", "sweeps"):
        try:
            folders += [(name, f"{outputs}/{kind}/{name}") for name in os.listdir(f"{outputs}/{kind}")]  # noqa: PTH208
        except OSError:
            continue
    folders.sort(reverse=True)  # an id begins with the time
    found = {"last": "the newest run"}
    named = [(run, *_record(path)) for run, path in folders[:NEWEST]]
    for run, name, _ in reversed(named):  # of several runs with one name it is the newest
        if name:
            found[name] = f"newest: {run}"
    return (
        found
        | {run: f"{name} {status}" for run, name, status in named}
        | dict.fromkeys((run for run, _ in folders[NEWEST:]), "")
    )


def _record(path: str) -> tuple[str, str]:
    """Name and status in a run's or sweep's record, found by text: the json module takes 7 ms to import."""
    for record in ("run.json", "sweep.json"):
        try:
            if not os.path.isfile(f"{path}/{record}"):  # noqa: PTH113  # a pipe would be waited for
                continue
            with open(f"{path}/{record}", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
                text = file.read(LONGEST)
        except OSError:
            continue
        return _string(text, "name"), _string(text, "status")
    return "", ""


def _string(text: str, key: str) -> str:
    value = text.partition(f'"{key}": "')[2].partition('"')[0]
    return value if value.isprintable() and "\\" not in value else ""


def split(text: str) -> tuple[list[str], str]:
    """Words of a line as a shell takes them, the last being the one at the cursor, and the quote left open there."""
    words, quote, escaped = [""], "", False
    for letter in text:
        if escaped or (quote and letter not in (quote, "\\")) or (quote == "'" and letter == "\\"):
            words[-1] += letter
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter in "'\"":
            quote = "" if quote else letter
        elif letter.isspace():
            words += [""] if words[-1] else []
        else:
            words[-1] += letter
    return words, quote


def _after_break(word: str) -> int:
    """Where the part begins that bash replaces."""
    breaks = os.environ.get("_MLCLI_BREAKS", BREAKS)
    return 1 + max((word.rfind(letter) for letter in breaks), default=-1)
