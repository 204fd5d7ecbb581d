"""A line-based parser for the subset of YAML in config files. Importing PyYAML would slow down completion."""

BLOCKS = ("|", ">")  # start a block of text, which is skipped


class Document:
    """A config file: description, package, defaults list and keys."""

    def __init__(self) -> None:
        self.description = ""  # the first comment line
        self.expected = ""  # of an experiment: the text of its `# expected:` line
        self.package = ""  # of a `# @package` line
        self.defaults: list[
            tuple[bool, str, str]
        ] = []  # whether it is an override, [/]group[@package], option ("" for none)
        self.bases: list[str] = []  # options of the same group in the defaults list
        self.keys: dict[str, str] = {}  # dotted key → text of its value


def read(path: str) -> Document:
    """Reads a config file. Raises OSError if it does not exist."""
    document = Document()
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # pathlib takes 14 ms to import
        lines = _logical(file.read().splitlines(), document)
    parents: list[tuple[int, str]] = []  # indentation and dotted key of the enclosing maps
    listed = -1  # indentation of the list of the previous line, or -1
    for indentation, text in lines:
        if text == "-" or text.startswith("- "):
            if listed < 0 or indentation <= listed:
                listed = indentation
                _item(document, _around(parents, indentation + 1), text[1:].strip())
        elif listed < 0 or indentation <= listed:
            listed = -1
            key, colon, value = text.partition(":")
            if colon and (not value or value[0] == " "):
                parent = _around(parents, indentation)
                document.keys.pop(parent, None)
                name = f"{parent}.{_unquoted(key)}" if parent else _unquoted(key)
                document.keys[name] = _unquoted(value.strip())
                parents.append((indentation, name))
    document.keys.pop("defaults", None)
    return document


def _logical(lines: list[str], document: Document) -> list[tuple[int, str]]:
    """Indentation and text of each logical line, without comments and blocks of text."""
    found: list[tuple[int, str]] = []
    block = -1  # indentation of the key of the current block of text, or -1
    for line in lines:
        text = line.strip()
        indentation = len(line) - len(line.lstrip())
        if text and block >= 0 and indentation <= block:
            block = -1
        if not text or block >= 0:
            continue
        if text[0] == "#":
            _comment(document, text)
            continue
        text = _without_comment(text)
        if found and _is_open(found[-1][1]):
            found[-1] = (found[-1][0], f"{found[-1][1]} {text}")
        elif text not in ("---", "..."):
            found.append((indentation, text))
            block = indentation if text.rstrip("+-").endswith(BLOCKS) else -1
    return found


def _comment(document: Document, text: str) -> None:
    comment = text.lstrip("# ").rstrip()
    if comment.startswith("@package "):
        document.package = comment.removeprefix("@package ").strip()
    elif comment.startswith("expected: "):
        document.expected = comment.removeprefix("expected: ")
    elif not document.description:
        document.description = comment


def _item(document: Document, parent: str, text: str) -> None:
    """One item of a list: an entry of the defaults list, or a value."""
    if parent != "defaults":
        before = document.keys.get(parent, "")
        document.keys[parent] = f"{before[:-1]}, {text}]" if before else f"[{text}]"
        return
    group, _, option = text.partition(":")
    if not option:
        document.bases += [text] if text != "_self_" else []
        return
    words, choice = group.split(), _unquoted(option.strip())
    document.defaults.append(("override" in words[:-1], words[-1], "" if choice in ("null", "???") else choice))


def _around(parents: list[tuple[int, str]], indentation: int) -> str:
    """The key of the map that contains a line of this indentation ("" at the top); removes maps that have ended."""
    while parents and parents[-1][0] >= indentation:
        parents.pop()
    return parents[-1][1] if parents else ""


def _without_comment(text: str) -> str:
    quote = ""
    for i, letter in enumerate(text if "#" in text else ""):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"" and text[i - 1] in " [{,":
            quote = letter
        elif letter == "#" and text[i - 1] == " ":
            return text[:i].rstrip()
    return text


def _is_open(text: str) -> bool:
    """Whether a list or map in brackets continues on the next line."""
    return text.count("[") + text.count("{") > text.count("]") + text.count("}")


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
