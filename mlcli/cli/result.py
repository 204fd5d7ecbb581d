"""The result of a single run on stdout, when its training has ended."""

from pathlib import Path
from typing import Any

from mlcli.cli.output import browser_command, format_number, print_conclusion, print_line, print_table


def print_result(result: dict[str, Any], folder: Path) -> None:
    """Prints the metrics of the evaluation split, the best epoch, a hint if there is one, and the run folder."""
    from mlcli.track.summary import evaluation_metrics

    print_metrics({name: value for name, value in evaluation_metrics(result).items() if name.count("/") == 1}, result)
    print_conclusion(folder)
    for line in _slices(result):
        print_line(line)
    print_line(f"best epoch {result['best_epoch']} of {result['epochs']} by {result['monitor']}; run in {folder}")
    if hint := epoch_hint(result):
        print_line(hint)
    if command := browser_command(folder):
        print_line(f"see it in the browser with `{command}`")


def print_metrics(metrics: dict[str, float], result: dict[str, Any]) -> None:
    """A table of metrics, with the intervals and baselines of the result, where it has any."""
    intervals, baselines = result.get("intervals", {}), result.get("baselines", {})
    rows: dict[str, list[str]] = {name: [name, format_number(value)] for name, value in sorted(metrics.items())}
    columns = ["metric", "value"]
    if intervals:
        columns.append("95 % interval")
        for name, row in rows.items():
            row.append(" – ".join(map(format_number, intervals.get(name, ()))))
    if baselines:
        columns.append("baseline")
        for name, row in rows.items():
            row.append(format_number(baselines.get(name)))
    for label, scores in result.get("boosting", {}).items():
        columns.append(label.replace("_", " "))
        for name, row in rows.items():
            row.append(format_number(scores.get(name)))
    print_table(columns, list(rows.values()))


def _slices(result: dict[str, Any]) -> list[str]:
    """A line for each part of a table on which the model is clearly worse."""
    what = "share of errors" if "test/accuracy" in result["metrics"] else "mean squared error"
    return [
        f"worse for {each['column']}={each['level'] or '(missing)'}: {what} {format_number(each['error'])} "
        f"in {each['rows']:,} rows"
        for each in result.get("slices", [])
    ]


def epoch_hint(result: dict[str, Any]) -> str:
    """What the best epoch suggests if it is the last or the first of several; "" otherwise."""
    best, epochs = result["best_epoch"], result.get("epochs", 0)
    if epochs < 2 or "lr" not in result["metrics"]:  # without an optimizer
        return ""
    if best == epochs and not result.get("stopped"):
        return f"the last epoch was the best: more epochs may be better, as in trainer.epochs={2 * epochs}"
    if best == 1:
        return "the first epoch was the best: use a smaller optimizer.lr, or a stronger regularisation"
    return ""
