"""Reads the YAML of run folders, which is untrusted: within limits, and as plain data only."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mlcli.files import read_plain

LARGEST = 4 * 2**20  # bytes of a file
DEEPEST = 50  # levels of nesting; libyaml crashes at 100,000
LONGEST = 2**16  # characters of a value; parsing a number of four million digits takes minutes
DIGITS = 400  # of an integer; larger ones can be neither printed nor compared with a float
_FLOAT = re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$")  # including 1e-5, which is text in YAML 1.1


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml is much faster
    """Reads numbers and dates as OmegaConf does."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789"))


def _integer(loader: Any, node: Any) -> Any:
    if len(node.value) > DIGITS:
        raise ValueError(f"a number of more than {DIGITS} digits")
    return loader.construct_yaml_int(node)


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def read_yaml(path: Path, aliases: bool = False) -> Any:
    """The content of a file. Raises OSError, or ValueError with one line if it is not YAML of plain values or exceeds
    a limit. aliases: whether to allow them; a small file can expand to any amount of data through aliases."""
    try:
        text = read_plain(path, LARGEST).decode()
        _check_events(text, aliases)
        return yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError) as error:
        reason = getattr(error, "problem", None) or str(error)
        raise ValueError(f"{path}: not a config that mlcli wrote ({' '.join(reason.split())})") from error


def has_interpolation(node: Any) -> bool:
    """Whether any text in plain data contains an interpolation, as in ${oc.env:HOME}."""
    if isinstance(node, dict):
        return any(has_interpolation(each) for pair in node.items() for each in pair)
    if isinstance(node, list | tuple):
        return any(map(has_interpolation, node))
    return isinstance(node, str) and "${" in node


def _check_events(text: str, aliases: bool) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if isinstance(event, yaml.AliasEvent) and not aliases:
            raise ValueError("an alias")
        if depth > DEEPEST:
            raise ValueError(f"nested deeper than {DEEPEST} levels")
        if isinstance(event, yaml.ScalarEvent) and len(event.value) > LONGEST:
            raise ValueError(f"a value longer than {LONGEST:,} characters")


def targets(node: Any, seen: set[int] | None = None) -> Iterator[str]:
    """Every `_target_` in a config. Visits each node once, even if several aliases refer to it."""
    seen = set() if seen is None else seen
    if not isinstance(node, Mapping | list) or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, Mapping) and isinstance(node.get("_target_"), str):
        yield node["_target_"]
    for value in node.values() if isinstance(node, Mapping) else node:
        yield from targets(value, seen)
