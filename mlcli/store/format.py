"""The format of run folders: what `run.json` and `sweep.json` call `format`.

1: no `format`; metrics and settings may have names that have changed since (`mlcli.renamed`).
2: `options`, the chosen option of each config group.
"""

from importlib.metadata import version
from typing import Any

from mlcli import renamed
from mlcli.metric.direction import is_stated

FORMAT = 2


def is_newer(content: Any) -> bool:
    """Whether a record has a format of a later version of mlcli."""
    found = content.get("format") if isinstance(content, dict) else None
    return isinstance(found, int) and found > FORMAT


def newer_reason(content: dict[str, Any], writer: str | None) -> str:
    """Why such a record is not read. writer: the version that wrote it, where that is known."""
    writer = f"mlcli {writer}" if writer else "a later mlcli"
    return (
        f"written by {writer} in format {content['format']}; mlcli {version('mlcli')} reads formats up to {FORMAT}: "
        "upgrade mlcli"
    )


def current_names(content: Any, record: dict[str, Any]) -> Any:
    """What a run folder holds, with the names that its metrics and settings have now. record: that of the run, which
    states its format and the metrics of the user's own task, whose names stay."""
    if record.get("format", 1) >= FORMAT:
        return content
    return renamed.record(content, lambda metric: is_stated(metric, record.get("directions")))


def rename_monitored(config: Any, record: dict[str, Any]) -> None:
    """The same for the metrics that a stored config names."""
    if record.get("format", 1) < FORMAT and isinstance(config, dict):
        renamed.metric_names(config, lambda metric: is_stated(metric, record.get("directions")))
