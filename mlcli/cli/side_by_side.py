"""The tables of `mlcli compare`: a column for each run or, for more runs than fit the terminal, a row for each."""

from collections.abc import Sequence
from typing import Any

from mlcli.cli.output import format_numbers, headline, print_line, print_table, terminal_width
from mlcli.cli.table import GAP, width_of
from mlcli.store.compare import best, differences, have_same_data, metrics
from mlcli.store.filters import setting_text
from mlcli.store.stored_run import StoredRun, short_id

Rows = dict[str, list[str]]  # a text for each run


def print_comparison(runs: list[StoredRun]) -> None:
    """Prints names, settings that differ, sizes, durations and metrics, with a star at the best value."""
    stars = best(runs)
    names = {"name": [str(run.record["name"]) for run in runs]}
    settings = {key: list(map(setting_text, values)) for key, values in differences(runs).items()}
    sizes = _sizes(runs)
    values = {name: _marked(each, stars[name]) for name, each in metrics(runs).items()}
    ids, width = [short_id(run.id) for run in runs], terminal_width()
    if width is not None and _width(ids, names | settings | sizes | values) > width:
        _print_by_row(runs, ids, names, settings, sizes, values)
    else:
        _print_by_column(("setting", *ids), names | settings, "settings that differ")
        _print_by_column(("metric", *ids), sizes | values, "metrics")
    if not have_same_data(runs):
        print_line("the runs have different data: * marks the best of those with the same")


def _sizes(runs: list[StoredRun]) -> Rows:
    parameters = [run.parameters for run in runs]
    seconds = [run.seconds for run in runs]
    texts = iter(format_numbers([value for value in seconds if value is not None]))
    rows = {
        "parameters": ["" if count is None else str(count) for count in parameters],
        "seconds": ["" if value is None else next(texts) for value in seconds],
    }
    return {name: values for name, values in rows.items() if any(values)}


def _marked(values: list[Any], stars: set[int]) -> list[str]:
    """The values of a metric in one format, the best with a star."""
    texts = iter(format_numbers([value for value in values if value is not None]))
    return [
        "" if value is None else f"{'*' if place in stars else ''}{next(texts)}" for place, value in enumerate(values)
    ]


def _width(ids: Sequence[str], rows: Rows) -> int:
    """Columns of the terminal that a column for each run takes. Texts with spaces may continue on the next line."""
    columns = [
        [name, *words.split()]
        for words, name in zip(map(" ".join, zip(*rows.values(), strict=True)), ids, strict=True)
    ]
    widths = [max(map(width_of, column)) for column in [list(rows), *columns]]
    return sum(widths) + GAP * (len(widths) - 1)


def _print_by_column(columns: Sequence[str], rows: Rows, title: str) -> None:
    print_table(columns, [(name, *values) for name, values in rows.items()], title)


def _print_by_row(
    runs: list[StoredRun], ids: list[str], names: Rows, settings: Rows, sizes: Rows, values: Rows
) -> None:
    """The main metrics first; others are left out of a narrow terminal before these are."""
    monitors = [str(run.result().get("monitor")) for run in runs]
    main = [name for name in dict.fromkeys([*monitors, *headline(run.metrics() for run in runs)]) if name in values]
    others = [name for name in values if name not in main]
    columns = {"run": ids, **names, **settings, **{name: values[name] for name in main}, **sizes}
    columns |= {name: values[name] for name in others}
    repeats_settings = all(run.record.get("swept") for run in runs)  # as the names of trials do
    optional = [
        *others[::-1],
        *["name"] * repeats_settings,
        "parameters",
        *main[:0:-1],
        "seconds",
        *list(settings)[::-1],
    ]
    print_table(list(columns), list(zip(*columns.values(), strict=True)), optional=optional, cut=("name",))
