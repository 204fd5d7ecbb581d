"""Names and ids of runs, for completion. Uses no modules that are slow to import."""

import os

MAX_NAMED = 100  # newest runs, whose records are read for their names
MAX_RECORD = 2**16  # characters of a record that are searched


def run_names(given: str = "") -> dict[str, str]:
    """`last`, then the names and the ids of runs and sweeps, newest first, with descriptions."""
    outputs = given or os.environ.get("MLCLI_OUTPUTS") or "outputs"
    folders = []
    for kind in ("runs", "sweeps"):
        try:
            folders += [(name, f"{outputs}/{kind}/{name}") for name in os.listdir(f"{outputs}/{kind}")]  # noqa: PTH208
        except OSError:
            continue
    folders.sort(reverse=True)  # an id begins with the time
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


def _record(path: str) -> tuple[str, str]:
    """Name and status in the record of a run or sweep, found by text search: importing json is slow."""
    for record in ("run.json", "sweep.json"):
        try:
            if not os.path.isfile(f"{path}/{record}"):  # noqa: PTH113  # opening a pipe would block
                continue
            with open(f"{path}/{record}", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
                text = file.read(MAX_RECORD)
        except OSError:
            continue
        return _string(text, "name"), _string(text, "status")
    return "", ""


def _string(text: str, key: str) -> str:
    value = text.partition(f'"{key}": "')[2].partition('"')[0]
    return value if value.isprintable() and "\\" not in value else ""
