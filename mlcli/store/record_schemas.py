"""Schemas of the records in run folders, which anyone may have written, or a power cut truncated."""

import math
import re
from collections.abc import Callable
from typing import Any

Check = Callable[[Any], str | None]  # returns what is wrong with a value, or None

STATUSES = ("RUNNING", "FINISHED", "FAILED", "KILLED", "PRUNED")
LAST_SECOND = 253_402_300_799  # of the year 9999
LARGEST_COUNT = 2**53


def text(value: Any) -> str | None:
    return None if isinstance(value, str) else "not a text"


def flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "neither true nor false"


def anything(value: Any) -> str | None:
    return None


def number(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "not a number"
    return None if abs(value) < LARGEST_COUNT or (isinstance(value, float) and math.isfinite(value)) else "too large"


def count(value: Any) -> str | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LARGEST_COUNT
    return None if is_count else "not a count"


def moment(value: Any) -> str | None:
    """Seconds since 1970."""
    return number(value) or (None if 0 <= value <= LAST_SECOND else "no time")


def status(value: Any) -> str | None:
    return None if value in STATUSES else "no status of a run"


def matching(pattern: str, what: str) -> Check:
    compiled = re.compile(pattern)
    return lambda value: None if isinstance(value, str) and compiled.fullmatch(value) else f"not {what}"


def maybe(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def each(check: Check) -> Check:
    """A list of them."""

    def problem(value: Any) -> str | None:
        if not isinstance(value, list):
            return "not a list"
        return next(filter(None, map(check, value)), None)

    return problem


def pair(check: Check) -> Check:
    """A list of two of them."""
    return lambda value: each(check)(value) or (None if len(value) == 2 else "not two values")


def some(check: Check) -> Check:
    """A list of at least one of them."""
    return lambda value: each(check)(value) or (None if value else "empty")


def table(check: Check) -> Check:
    """A dictionary of them."""

    def problem(value: Any) -> str | None:
        if not isinstance(value, dict):
            return "not a dictionary"
        return next((f"{name!r}: {found}" for name, own in value.items() if (found := check(own))), None)

    return problem


def fields(required: dict[str, Check], **optional: Check) -> Check:
    """A dictionary with these entries; others are ignored."""

    def problem(value: Any) -> str | None:
        if not isinstance(value, dict):
            return "not a dictionary"
        missing = next((name for name in required if name not in value), None)
        if missing is not None:
            return f"no {missing}"
        present = {name: check for name, check in (required | optional).items() if name in value}
        return next((f"{name}: {found}" for name, check in present.items() if (found := check(value[name]))), None)

    return problem


metrics = table(maybe(number))
tracking = fields({"name": text}, experiment=text)
run = fields(
    {"id": text, "name": text, "status": status, "started": moment, "command": text, "host": text, "pid": count},
    ended=maybe(moment),
    parent=maybe(text),
    trial=maybe(count),
    swept=table(anything),
    reason=maybe(text),
    tracking=tracking,
    best_trial=maybe(count),
    drawn=each(count),
    varies=each(text),
    data_from=each(count),
    trials=count,
    process_started=maybe(count),
    boot=maybe(text),
    directions=table(maybe(text)),
    format=count,
    options=table(text),
    choices=each(fields({"trials": each(count), "together": flag, "by": text, "reason": text})),
    repeat=text,
    resumed=count,
    resumed_from=maybe(text),
    resumed_with=each(text),
    cuts=count,
    diverged=flag,
)
result = fields(
    {"best_epoch": count, "seconds": number, "metrics": metrics},
    epochs=count,
    steps=count,
    parameters=count,
    monitor=text,
    judged=text,
    stopped=maybe(text),
    intervals=table(pair(number)),
    baselines=table(number),
    boosting=table(table(number)),
    slices=each(fields({"column": text, "level": text, "rows": count, "error": number})),
    examples_per_second=maybe(number),
    peak_memory=maybe(count),
)
line = fields({"epoch": count, "step": count, "time": moment, "metrics": table(number)})
data = fields(
    {
        "name": text,
        "digest": text,
        "source": text,
        "kind": text,
        "target": text,
        "shape": each(count),
        "classes": each(text),
        "examples": table(count),
    },
    features=each(text),
    vocabulary=each(text),
    tokenizer=text,
    padded=flag,
    notes=each(text),
)
environment = fields({}, mlcli=maybe(text), user=maybe(text), git_commit=maybe(text), device=maybe(text))
ranked = {"rank": maybe(count), "tied": flag, "best": flag, "epoch": maybe(count), "context": table(text)}
trial = fields(
    {"trial": count, "swept": table(anything), "metrics": metrics, "status": text},
    seconds=maybe(number),
    reason=maybe(text),
    error=maybe(number),
    **ranked,
)
spread = fields({"mean": maybe(number), "std": maybe(number)}, count=count)
group = fields(
    {
        "swept": table(anything),
        "trials": each(count),
        "status": text,
        "statuses": table(count),
        "metrics": table(spread),
    },
    **ranked,
)
trials = fields({"monitor": text, "best_trial": maybe(count), "trials": some(trial)}, groups=each(group))
interval = fields({"count": count} | dict.fromkeys(("mean", "std", "low", "high"), maybe(number)))
unscored = fields({"trial": count, "fold": count, "seed": number, "reason": text})
configuration = fields(
    {"name": text, "trials": each(count), "metrics": table(interval)},
    unscored=each(unscored),  # older cross-validations have none
    scores=each(maybe(number)),
    **ranked,
)
comparison = fields(
    {"name": text, "than": text, "difference": number} | dict.fromkeys(("low", "high", "t", "p"), maybe(number))
)
crossval = fields(
    {
        "metric": text,
        "folds": count,
        "repeats": count,
        "by": text,
        "sentence": text,
        "metrics": metrics,
        "configurations": some(configuration),
        "comparisons": each(comparison),
    }
)
_conclusion = fields({"sentence": text, "columns": each(text), "rows": each(each(anything))}, figures=each(text))


def conclusion(value: Any) -> str | None:
    if problem := _conclusion(value):
        return problem
    is_table = all(len(row) == len(value["columns"]) for row in value["rows"])
    return None if is_table else "rows: not one value per column"


model = fields({"config": table(anything), "data": table(anything)})
example = fields(
    {
        "inputs": fields({"data": some(anything)}, columns=maybe(each(text)), kind=text),
        "outputs": fields({"columns": each(text), "data": some(each(anything))}),
    }
)

# MLflow's ids are names of folders in its store.
run_id = matching("[0-9a-f]{32}", "an id of MLflow")
model_id = matching("m-[0-9a-f]{32}", "an id of MLflow")
mlflow = fields(
    {"uri": text, "offset": count, "complete": flag},
    cuts=count,
    reopened=flag,
    run_id=run_id,
    model_id=model_id,
    new_model_id=model_id,
)
tensorboard = fields({"offset": count, "complete": flag}, cuts=count)

RECORDS: dict[str, Check] = {
    "run.json": run,
    "sweep.json": run,
    "result.json": result,
    "data.json": data,
    "environment.json": environment,
    "trials.json": trials,
    "crossval.json": crossval,
    "answer.json": conclusion,
    "model.json": model,
    "example.json": example,
    "code.json": table(text),
    ".mlflow.json": mlflow,
    ".tensorboard.json": tensorboard,
}
