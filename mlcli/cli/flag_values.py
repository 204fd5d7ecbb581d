"""Values of options, for completion: choices, names in the records of runs, and names in the configs."""

from mlcli.cli.command_line import Line
from mlcli.cli.commands import FILES, FLAG_VALUES
from mlcli.cli.recorded_names import experiment_names, metric_names
from mlcli.config import index

Candidates = dict[str, str]  # for the word at the cursor, with descriptions
COLUMNS = {
    "started": "newest first",
    "name": "",
    "status": "",
    "seconds": "training time",
    "parameters": "size of the model",
}


def flag_values(line: Line, flag: str, typed: str) -> Candidates | None:
    """Candidates for the value of an option, of which `typed` is there; None for file names."""
    where = index.search_path(line.value("--config-dir"), line.value("--config-path"))
    match flag:
        case "--sort":
            return _columns(line, typed)
        case "--metric":
            curves = (name for name in metric_names(line.value("--outputs")) if not name.startswith("test/"))
            return dict.fromkeys(curves, "")
        case "--experiment":
            return dict.fromkeys(experiment_names(line.value("--outputs")), "")
        case "--config-name":
            return dict.fromkeys(index.primary_configs(where), "")
        case "--package":
            keys = index.all_keys(index.chosen({}, where), where)
            return dict.fromkeys(sorted({key.partition(".")[0] for key in keys}), "")
    values = FLAG_VALUES[flag]
    return FILES if values is None else dict.fromkeys(values, "")


def _columns(line: Line, typed: str) -> Candidates:
    """What `mlcli runs` sorts by; settings only after their group and a dot."""
    sign = "-" if typed[:1] == "-" else ""
    found = COLUMNS | dict.fromkeys(metric_names(line.value("--outputs")), "") | dict.fromkeys(index.groups(), "")
    group, dot, _ = typed.removeprefix("-").partition(".")
    if dot:
        found |= {key: "" for option in index.options(group) for key in index.keys(group, option)}
        found |= {key: "" for key in index.all_keys(index.chosen({})) if key.startswith(f"{group}.")}
    return {f"{sign}{name}": text for name, text in found.items()}
