"""The keys of a config file, with their values and comments."""

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from mlcli.config.yaml_lines import read as read_lines


@dataclass
class Key:
    """A value as text, and the comment on its line."""

    text: str
    comment: str


@dataclass
class Document:
    """The contents of a file as `mlcli.config.yaml_lines` reads them, and its keys with their comments."""

    description: str = ""
    package: str = ""
    defaults: dict[str, str] = field(default_factory=dict)  # group: option
    keys: dict[str, Key] = field(default_factory=dict)  # by dotted name


def read(path: Path) -> Document:
    lines = read_lines(str(path))
    defaults = {group: option for _, group, option in lines.defaults if option}
    text = path.read_text(encoding="utf-8")
    root = yaml.compose(text)
    document = Document(lines.description, lines.package, defaults)
    if isinstance(root, yaml.MappingNode):
        _collect(root, "", text.splitlines(), document.keys)
    return document


def _collect(node: yaml.MappingNode, prefix: str, lines: list[str], found: dict[str, Key]) -> None:
    for key, value in node.value:
        name = f"{prefix}{key.value}"
        if name == "defaults":
            continue
        if isinstance(value, yaml.MappingNode) and value.value and not value.flow_style:
            _collect(value, f"{name}.", lines, found)
        else:
            found[name] = Key(_text(value, lines), _comment(key, value, lines))


def _text(value: yaml.Node, lines: list[str]) -> str:
    """The value in one line, as typed on the command line."""
    if isinstance(value, yaml.SequenceNode):
        return f"[{', '.join(_text(each, lines) for each in value.value)}]"
    if isinstance(value, yaml.MappingNode):
        pairs = (f"{key.value}: {_text(each, lines)}" for key, each in value.value)
        return f"{{{', '.join(pairs)}}}"
    return f'"{value.value}"' if value.style and not value.value else str(value.value)


def _comment(key: yaml.Node, value: yaml.Node, lines: list[str]) -> str:
    """The comment on the line of a key."""
    same_line = value.end_mark.line == key.start_mark.line
    start = value.end_mark.column if same_line else key.end_mark.column + 1
    rest = lines[key.start_mark.line][start:].strip()
    return rest.removeprefix("# ") if rest.startswith("#") else ""
