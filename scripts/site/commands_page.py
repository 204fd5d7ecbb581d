"""The reference of commands, from the Typer app."""

from typing import Any

from tables import code, plain, table

from mlcli.cli.app import load_command
from mlcli.cli.commands import COMMANDS, FILES, FLAG_VALUES, FLAGS, SHORT

INTRODUCTION = """# Commands

`mlcli COMMAND --help` prints the same. A run is given by its folder, its id, a prefix of its id, its name, or `last`.
[Exit codes](../exit_codes.md) are the same for all commands.
"""


def page() -> str:
    commands = {name: load_command(name) for name in COMMANDS}
    rows = [(f"[`{name}`](#{name})", _summary(each)) for name, each in commands.items()]
    parts = [INTRODUCTION, table(("command", "what it does"), rows)]
    parts += [_section(name, each) for name, each in commands.items()]
    return "\n".join(parts)


def _section(name: str, command: Any) -> str:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option"]
    parts = [f"## {name}\n", f"```console\n$ mlcli {name} {' '.join(map(_usage, arguments))}".rstrip() + "\n```\n"]
    parts.append(_description(command.help))
    described = [(code(_usage(each)), plain(each.help)) for each in arguments if each.help]
    parts += [table(("argument", "description"), described)] if described else []
    rows = [(_flags(each), plain(each.help or ""), _default(each)) for each in options]
    named = {flag for each in options for flag in each.opts}
    hydra = {flag: text for flag, text in FLAGS.get(name, {}).items() if flag not in named and flag not in SHORT}
    rows += [(_hydra_flag(flag), f"{text}.", "") for flag, text in hydra.items()]
    parts += [table(("option", "description", "default"), rows)] if rows else []
    return "\n".join(parts)


def _usage(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    if argument.nargs == -1:
        return name if name.endswith("...") else f"[{name}]..."
    return name if argument.required else f"[{name}]"


def _flags(option: Any) -> str:
    value = "" if option.is_flag else f" {option.name.upper()}"
    return ", ".join(f"`{flag}{value}`" for flag in sorted(option.opts, key=len))


def _hydra_flag(flag: str) -> str:
    """A Hydra flag of `train`, with its short form and a placeholder for its value, if any."""
    value = ""
    if flag in FLAG_VALUES:
        choices = FLAG_VALUES[flag]
        value = " PATH" if choices is FILES else f" {{{','.join(choices)}}}" if choices else " VALUE"
    short = [each for each, long in SHORT.items() if long == flag]
    return ", ".join(f"`{each}{value}`" for each in (*short, flag))


def _default(option: Any) -> str:
    return "" if option.is_flag or option.default is None else code(option.default)


def _summary(command: Any) -> str:
    return plain(" ".join(command.help.strip().partition("\n\n")[0].split()).rstrip("."))


def _description(text: str) -> str:
    """The docstring, with its examples as one block."""
    prose, _, examples = text.partition("Examples:")
    lines = [line.strip() for line in examples.splitlines() if line.strip()]
    block = "```console\n" + "\n".join(f"$ {line}" for line in lines) + "\n```\n" if lines else ""
    return f"{plain(prose.strip())}\n\n{block}"
