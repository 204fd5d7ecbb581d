"""The reference of config groups: options, keys, types, ranges, defaults and descriptions, from conf/ and the code.

Types and ranges are those of `mlcli.config.check`: the signature of the class or function for groups with a
`_target_`, the dataclasses of `mlcli.config.schema` for the others. Descriptions are the comments of the YAML files.
"""

import inspect
from dataclasses import Field, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from tables import code, plain, table
from yaml_comments import Key, read

from mlcli.config import index
from mlcli.config.annotations import describe, parameter_types
from mlcli.config.check import EXTRA_KEYS, OPTIMIZER_RANGES
from mlcli.config.locate import locate
from mlcli.config.ranges import Range
from mlcli.config.schema import Config
from mlcli.config.supplied import SUPPLIED

CONF = Path(index.shipped_conf())
EXPERIMENTS = "experiment"  # its options are runs and sweeps, which have the gallery
GALLERY = "../../gallery/README.md"
COLUMNS = ("key", "type", "range", "default", "description")
INTRODUCTION = """# Configuration

The config of a run consists of one option per group (`model=lstm`) and values of keys (`model.dropout=0.2`).
`mlcli train --cfg job` prints the whole config; `mlcli list GROUP` lists the options. A `+` adds a key that the YAML
file of an option does not set, as in `+model.estimator.var_smoothing=1e-8`.
"""


def pages() -> dict[str, str]:
    """Markdown by name of the page: `index`, and one for each group."""
    groups = [group for group in index.groups((str(CONF),)) if (CONF / group).is_dir()]
    default = index.chosen({}, (str(CONF),))
    found = {group: _group(group, default.get(group, "")) for group in groups}
    return {"index": _index(groups, default), **found}


def _index(groups: list[str], default: dict[str, str]) -> str:
    rows = [
        (f"[`{group}`]({group}.md)", str(len(index.options(group, (str(CONF),)))), code(default.get(group, "")))
        for group in groups
    ]
    schema = {field.name: field for field in fields(Config)}
    primary = read(CONF / "config.yaml").keys
    own = {name: key for name, key in primary.items() if name.split(".")[0] not in {*groups, "hydra"}}
    return "\n".join(
        [
            INTRODUCTION,
            "## Groups\n",
            table(("group", "options", "default"), rows),
            "## Keys outside groups\n",
            table(COLUMNS, [_schema_row(name, key, schema) for name, key in own.items()]),
        ]
    )


def _group(group: str, default: str) -> str:
    options = index.options(group, (str(CONF),))
    parts = [f"# {group}\n", f"`{group}=OPTION`" + (f", by default `{default}`.\n" if default else ".\n")]
    if group == EXPERIMENTS:
        return "\n".join([*parts, _experiments()])
    built = any("_target_" in read(CONF / group / f"{name}.yaml").keys for name in options)
    rows = [(f"[`{name}`](#{name})" if built else code(name), plain(text)) for name, text in options.items()]
    parts.append(table(("option", "description"), rows))
    shared = {name: key for name, key in read(CONF / "config.yaml").keys.items() if name.startswith(f"{group}.")}
    if shared:
        rows = [_row(name, key, EXTRA_KEYS[group][name.split(".")[1]]) for name, key in shared.items()]
        parts += ["## Keys of all options\n", table(COLUMNS, rows)]
    if not built:
        return "\n".join([*parts, "## Keys\n", _keys_of_schema(group, default)])
    return "\n".join([*parts, *(_option(group, name) for name in options)])


def _keys_of_schema(group: str, option: str) -> str:
    """One table for all options of a group that set the same keys."""
    schema = {field.name: field for field in fields(Config)}
    keys = read(CONF / group / f"{option}.yaml").keys
    return table(COLUMNS, [_schema_row(f"{group}.{name}", key, schema) for name, key in keys.items()])


def _experiments() -> str:
    rows = [
        (
            section,
            f"[`{name}`](../../gallery/README.md#{section.replace('.', '')}-{name})",
            plain(what),
            plain(expected),
        )
        for name, section, what, expected in index.experiments((str(CONF),))
    ]
    return table(("", "experiment", "description", "expected"), rows)


def _option(group: str, name: str) -> str:
    document = read(CONF / group / f"{name}.yaml")
    is_global = document.package == "_global_"
    keys = {key if is_global else f"{group}.{key}": text for key, text in document.keys.items()}
    own = {key: text for key, text in keys.items() if key.startswith(f"{group}.")}
    parts = [f"## {name}\n", f"{plain(document.description)}\n"]
    target = own.pop(f"{group}._target_").text
    parts.append(f"Builds `{target}`.\n")
    rows = _call_rows(group, target, own)
    parts += [table(COLUMNS, rows)] if rows else []
    chosen = [f"{choice.lstrip('/')}={option}" for choice, option in document.defaults.items()]
    others = chosen + [f"{key}={text.text}" for key, text in keys.items() if not key.startswith(f"{group}.")]
    parts += [f"Changes these defaults: {', '.join(map(code, others))}.\n"] if others else []
    return "\n".join(parts)


def _call_rows(prefix: str, target: str, keys: dict[str, Key]) -> list[tuple[str, ...]]:
    """Rows of the arguments of a `_target_`: those that its YAML file sets, then those with a default only."""
    called = locate(target)
    hints = parameter_types(called) | EXTRA_KEYS.get(prefix, {})
    nested = {name.removesuffix("._target_"): key.text for name, key in keys.items() if name.endswith("._target_")}
    rows: list[tuple[str, ...]] = []
    for name, key in keys.items():
        parent = name.rpartition(".")[0]
        if parent in nested:
            hint = parameter_types(locate(nested[parent])).get(name.rpartition(".")[2], Any)
        else:
            hint = hints.get(name.removeprefix(f"{prefix}."), Any)
        rows.append(_row(name, key, hint))
    return rows + [_row(name, key, hint) for name, key, hint in _unset(prefix, called, hints, set(keys))]


def _unset(prefix: str, called: Any, hints: dict[str, Any], known: set[str]) -> list[tuple[str, Key, Any]]:
    """Parameters with a default that the YAML does not set and the run does not supply."""
    return [
        (f"+{prefix}.{name}", Key(_literal(parameter.default), ""), hints.get(name, Any))
        for name, parameter in inspect.signature(called).parameters.items()
        if parameter.default is not parameter.empty
        and not any(key == f"{prefix}.{name}" or key.startswith(f"{prefix}.{name}.") for key in known)
        and name not in SUPPLIED.get(prefix, {})
    ]


def _row(name: str, key: Key, hint: Any) -> tuple[str, ...]:
    ranges = " or ".join(map(str, _ranges(hint)))
    group, _, word = name.partition(".")
    if group == "optimizer" and word in OPTIMIZER_RANGES:
        ranges = str(OPTIMIZER_RANGES[word])
    return code(name), _type(hint), ranges, code(key.text), plain(key.comment)


def _schema_row(name: str, key: Key, schema: dict[str, Field]) -> tuple[str, ...]:
    """A row of a key from a dataclass; the field's metadata has its range or choices."""
    first, _, rest = name.partition(".")
    field = schema[first]
    if rest and is_dataclass(field.type):
        row = _schema_row(rest, key, {each.name: each for each in fields(field.type)})
        return code(name), *row[1:]
    choices = field.metadata.get("choices")
    kind = f"one of {', '.join(choices)}{' or null' * (field.default is None)}" if choices else _type(field.type)
    return code(name), kind, str(field.metadata.get("range", "")), code(key.text), plain(key.comment)


def _type(hint: Any) -> str:
    """A type in words, without ranges and without classes that YAML cannot represent."""
    return "" if hint is Any else describe(_plain(hint))


def _plain(hint: Any) -> Any:
    """The annotation without ranges, and without members of a union that YAML cannot represent."""
    if get_origin(hint) is Annotated:
        return _plain(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        members = [_plain(each) for each in get_args(hint)]
        return Union[tuple(each for each in members if _is_yaml(each)) or (Any,)]  # noqa: UP007  # of a computed tuple
    if get_origin(hint) in (list, tuple):
        return get_origin(hint)[tuple(each if each is ... else _plain(each) for each in get_args(hint))]
    return hint


def _is_yaml(hint: Any) -> bool:
    return not inspect.isclass(hint) or hint in (float, int, str, bool, NoneType) or get_origin(hint) is not None


def _ranges(hint: Any) -> list[Range]:
    if get_origin(hint) is Annotated:
        return [each for each in get_args(hint)[1:] if isinstance(each, Range)]
    return [found for each in get_args(hint) for found in _ranges(each)]


def _literal(value: Any) -> str:
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value)
