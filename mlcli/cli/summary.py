"""The first lines of `mlcli show`: what was typed, the result, and what the run took."""

import shlex
from typing import Any

from mlcli.cli.output import format_number, headline, print_line, terminal_width
from mlcli.cli.table import wrapped
from mlcli.cli.times import ago, duration, moment
from mlcli.config.printable import in_a_line
from mlcli.store.records import try_read_json
from mlcli.store.stored_run import StoredRun

INDENT = "  "
SECOND = ("test/loss", "val/loss", "train/loss")  # metrics of a task without a main one
MAIN = ("experiment", "model", "data", "task", "optimizer")  # the groups that are named first


def summary(run: StoredRun) -> dict[str, str]:
    """Facts by name, those that are known."""
    record, result = run.record, {} if run.damage else run.result()
    environment = try_read_json(run.folder.path / "environment.json") or {}
    reason = run.damage or record.get("reason")
    facts = {
        "command": str(record["command"]),
        "result": _sweep_result(run) if run.is_sweep else _result(run, result),
        "reason": str(reason) if reason else "",
        "duration": _duration(run, result),
        "size": _size(run),
        "options": _options(record.get("options") or {}),
        "device": _device(environment),
        "seed": _seed(run),
        "started": f"{moment(record['started'])} ({ago(record['started'])})",
        "folder": str(run.folder.path),
    }
    return {name: text for name, text in facts.items() if text}


def print_facts(facts: dict[str, str]) -> None:
    """Prints a line for each fact; elsewhere than on a terminal, with a tab after its name. On a terminal, long texts
    continue on the next line, and a shell reads the lines of a command as one."""
    limit, width = terminal_width(), max(map(len, facts), default=0)
    for name, text in facts.items():
        if limit is None:
            print_line(f"{name}\t{text}")
            continue
        label = f"{INDENT}{name:<{width}}{INDENT}"
        room = limit - len(label)
        lines = _command_lines(text, room) if name == "command" else wrapped(in_a_line(text), room)
        for number, line in enumerate(lines):
            print_line((" " * len(label) if number else label) + line)


def _command_lines(command: str, room: int) -> list[str]:
    """The command in lines of that length, if it can be so divided; each but the last ends with a backslash."""
    try:
        words = [shlex.quote(word) for word in shlex.split(command)]
    except ValueError:  # not written by mlcli
        return [command]
    if len(command) <= room:
        return [command]
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room - len(" \\"):
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return [*(f"{line} \\" for line in lines[:-1]), lines[-1]]


def _result(run: StoredRun, result: dict[str, Any]) -> str:
    """The main metrics and the epoch that they belong to; of a run without a result, those of its last epoch."""
    metrics = run.metrics()
    monitor = result.get("monitor") or ("" if run.damage else run.flat_config.get("trainer.monitor"))
    main = sorted(headline([metrics]), key=lambda name: not name.startswith("test/"))
    shown = [name for name in dict.fromkeys([*main, monitor, *SECOND]) if name in metrics][:3]
    text = ", ".join(f"{name} {format_number(metrics[name])}" for name in shown)
    if result:
        return f"{text}; best epoch {result['best_epoch']} of {result.get('epochs', '?')} by {monitor}"
    history = [] if run.damage else run.history()
    return f"{text} after epoch {history[-1]['epoch']}" if history else ""


def _sweep_result(run: StoredRun) -> str:
    trials, best = run.record.get("trials"), run.record.get("best_trial")
    if trials is None:
        return ""
    return f"{trials} trials" + (f", best trial {best} by {run.record.get('monitor')}" if best is not None else "")


def _duration(run: StoredRun, result: dict[str, Any]) -> str:
    ended = run.record.get("ended")
    if ended is None:
        return ""
    whole = duration(max(float(ended) - float(run.record["started"]), 0.0))
    return f"{whole}, of which training {duration(result['seconds'])}" if "seconds" in result else whole


def _size(run: StoredRun) -> str:
    return f"{run.parameters:,} parameters" if run.parameters else ""


def _options(options: dict[str, str]) -> str:
    groups = [*(group for group in MAIN if group in options), *(group for group in options if group not in MAIN)]
    return " ".join(f"{group}={options[group]}" for group in groups if options[group] != "default")


def _device(environment: dict[str, Any]) -> str:
    threads = environment.get("threads")
    is_count = isinstance(threads, int) and not isinstance(threads, bool)
    device = environment.get("device") or ""
    return f"{device}, {threads} thread{'s' if threads != 1 else ''}" if device and is_count else device


def _seed(run: StoredRun) -> str:
    if run.damage or run.is_sweep:
        return ""
    config = run.flat_config
    texts = [f"{config[key]} ({key})" for key in ("trainer.seed", "split.seed") if key in config]
    return ", ".join(texts)
