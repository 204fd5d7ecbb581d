"""Names of metrics and of MLflow experiments in the records of runs, for completion. Uses no modules that are slow to
import: importing json takes longer than searching the texts."""

from mlcli.cli.run_names import run_folders, text_of

MAX_RUNS = 20  # newest runs and sweeps, whose records are searched


def metric_names(outputs: str = "") -> list[str]:
    """Metrics of the newest runs and of the first trials of sweeps, without those of single classes."""
    return sorted({name for path in _newest(outputs) for name in _metrics(path) if name.count("/") < 2})


def experiment_names(outputs: str = "") -> list[str]:
    """MLflow experiments that the newest runs and sweeps are in."""
    records = [text_of(path, ("run.json", "sweep.json")) for _, path in run_folders(outputs)[:MAX_RUNS]]
    found = {text.partition('"experiment": "')[2].partition('"')[0] for text in records if '"tracking": {' in text}
    return sorted(name for name in found if _is_plain(name))


def _newest(outputs: str) -> list[str]:
    return [path if kind == "runs" else f"{path}/0" for kind, path in run_folders(outputs)[:MAX_RUNS]]


def _metrics(path: str) -> list[str]:
    """The keys of `metrics` in the result, or in the first epoch of a run without one."""
    text = text_of(path, ("result.json", "metrics.jsonl"))
    entries = text.partition('"metrics": {')[2].partition("}")[0].split(",")
    return [name for entry in entries if _is_plain(name := entry.partition('": ')[0].strip().lstrip('"'))]


def _is_plain(name: str) -> bool:
    """Whether a shell takes the name as one word."""
    return bool(name) and all(letter.isalnum() or letter in "/_.-@+" for letter in name)
