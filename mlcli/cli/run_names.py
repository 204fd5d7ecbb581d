"""Names and ids of runs, for completion. Uses no modules that are slow to import."""

import os

MAX_NAMED = 100  # newest runs, whose records are read for their names
MAX_RECORD = 2**16  # characters of a record that are searched


def run_names(given: str = "") -> dict[str, str]:
    """`last`, then the names and the ids of runs and sweeps, newest first, with descriptions."""
    folders = [(path.rpartition("/")[2], path) for _, path in run_folders(given)]
    found = {"last": "the newest run"}
    named = [(run, *_record(path)) for run, path in folders[:MAX_NAMED]]
    for run, name, _ in reversed(named):  # of several runs with the same name, the newest
        if name and " " not in name:  # as the names of sweeps, which would have to be quoted
            found[name] = f"newest: {run}"
    return (
        found
        | {run: f"{name} {status}" for run, name, status in named}
        | dict.fromkeys((run for run, _ in folders[MAX_NAMED:]), "")
    )


def run_folders(given: str = "") -> list[tuple[str, str]]:
    """`runs` or `sweeps`, and the folder, of all runs and sweeps, newest first."""
    outputs = given or os.environ.get("MLCLI_OUTPUTS") or "outputs"
    found = []
    for kind in ("runs", "sweeps"):
        try:
            found += [(kind, f"{outputs}/{kind}/{name}") for name in os.listdir(f"{outputs}/{kind}")]  # noqa: PTH208
        except OSError:
            continue
    return sorted(found, key=lambda each: each[1].rpartition("/")[2], reverse=True)  # an id begins with the time


def _record(path: str) -> tuple[str, str]:
    """Name and status in the record of a run or sweep, found by text search: importing json is slow."""
    text = text_of(path, ("run.json", "sweep.json"))
    return _string(text, "name"), _string(text, "status")


def text_of(path: str, names: tuple[str, ...]) -> str:
    """The beginning of the first of these files in a folder; "" if there is none."""
    for name in names:
        try:
            if not os.path.isfile(f"{path}/{name}"):  # noqa: PTH113  # opening a pipe would block
                continue
            with open(f"{path}/{name}", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
                return file.read(MAX_RECORD)
        except OSError:
            continue
    return ""


def _string(text: str, key: str) -> str:
    value = text.partition(f'"{key}": "')[2].partition('"')[0]
    return value if value.isprintable() and "\\" not in value else ""
