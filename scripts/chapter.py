"""Runs the experiments one after the other and writes their conclusions into docs/gallery.

    python scripts/chapter.py               # all of conf/experiment
    python scripts/chapter.py pca,maml      # some; the page keeps the stored conclusions of the others
    python scripts/chapter.py --page        # none; writes the page from the stored conclusions

A failure does not stop the others; the page keeps the experiment's stored conclusion, and the exit status is 1.
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image

from mlcli.cli.output import format_number
from mlcli.config import index

ROOT = Path(__file__).resolve().parent.parent
GALLERY = ROOT / "docs" / "gallery"
RUNS = ROOT / "outputs" / "chapter"  # a folder of runs per experiment
LIMIT = 900  # seconds until an experiment counts as failed
WIDEST, COLOURS = 1100, 256  # of a figure on the page, for files of 10 to 60 kB
ROWS = 14  # at most, of a table on the page
# The figure on the page, where it is not the first of the conclusion.
FIGURES = {
    "house_prices": "predicted_against_true",
    "q_learning": "policy",
    "hidden_size_memory": "sweep",
    "denoising_autoencoder": "denoised_1",
    "latent_space": "latent_space",
}
OTHERS = ("compare", "sweep", "learning_curves")  # figures of the run or sweep, if the conclusion has none
INTRODUCTION = """# Experiments

Every experiment of `conf/experiment` with its command, its conclusion and one of its figures. The
conclusions are computed from the runs. Times are those of the whole command on two CPU cores, with
MLflow: {minutes:.0f} minutes in total. `make chapter` runs all experiments and writes this page,
`make chapter ONLY=pca,maml` runs some.
"""


def main(only: list[str], page_only: bool = False) -> int:
    experiments = index.experiments((index.shipped_conf(),))
    unknown = set(only) - {name for name, *_ in experiments}
    if unknown:
        print(f"error: no experiment {', '.join(sorted(unknown))}: see `mlcli list experiments`")
        return 2
    failed = []
    for name, *_ in experiments:
        if not page_only and (not only or name in only):
            failed += [] if run(name) else [name]
    write_page(experiments)
    if failed:
        print(f"failed: {', '.join(failed)}; their runs are in {RUNS.relative_to(ROOT)}")
    return 1 if failed else 0


def run(name: str) -> bool:
    """Stores the conclusion and a figure in the gallery. Returns whether the experiment has a conclusion."""
    outputs = RUNS / name
    shutil.rmtree(outputs, ignore_errors=True)
    command = [sys.executable, "-m", "mlcli", "train", "-q", f"experiment={name}", f"outputs={outputs}"]
    started = time.perf_counter()
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False)
        status, stderr = done.returncode, done.stderr
    except subprocess.TimeoutExpired:
        status, stderr = 1, f"timed out after {LIMIT} seconds"
    seconds = time.perf_counter() - started
    found = list(outputs.glob("*/*/answer.json"))
    if status or not found:
        reason = (stderr.strip().splitlines() or ["no conclusion"])[-1]
        print(f"{name}: failed after {seconds:.0f} s: {reason}", flush=True)
        return False
    conclusion = json.loads(found[0].read_text())
    print(f"{name}: {seconds:.0f} s: {conclusion['sentence']}", flush=True)
    keep(name, conclusion | {"seconds": round(seconds)}, found[0].parent / "figures")
    return True


def keep(name: str, conclusion: dict, figures: Path) -> None:
    """Stores the figure, if there is one, reduced in size, and the conclusion with all others."""
    pictures = [figures / f"{each}.png" for each in (FIGURES.get(name), *conclusion["figures"], *OTHERS)]
    (GALLERY / f"{name}.png").unlink(missing_ok=True)
    found = next((path for path in pictures if path.exists()), None)
    if found:
        with Image.open(found) as picture:
            small = picture.convert("RGB")
        small.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
        small.quantize(COLOURS, dither=Image.Dither.NONE).save(GALLERY / f"{name}.png", optimize=True)
    kept = conclusions()
    kept[name] = {key: conclusion[key] for key in ("sentence", "columns", "rows", "seconds")}
    lines = [f"{json.dumps(each)}: {json.dumps(kept[each], ensure_ascii=False)}" for each in sorted(kept)]
    (GALLERY / "conclusions.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def conclusions() -> dict:
    """The stored ones by experiment."""
    path = GALLERY / "conclusions.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write_page(experiments: list[tuple[str, str, str, str]]) -> None:
    kept = conclusions()
    shown = [each for each in experiments if each[0] in kept]
    contents = ["| section | experiment | description | seconds |", "|---|---|---|--:|"]
    for name, section, what, _ in shown:
        link = f"[{name}](#{section.replace('.', '')}-{name})"
        contents.append(f"| {section} | {link} | {cell(what)} | {kept[name]['seconds']} |")
    minutes = sum(kept[name]["seconds"] for name, *_ in shown) / 60
    parts = [INTRODUCTION.format(minutes=minutes), "\n".join(contents) + "\n"]
    parts += [section_of(name, section, what, kept[name]) for name, section, what, _ in shown]
    (GALLERY / "README.md").write_text("\n".join(parts), encoding="utf-8")


def section_of(name: str, section: str, what: str, conclusion: dict) -> str:
    columns, rows = conclusion["columns"], conclusion["rows"]
    table = [columns, ["---"] * len(columns), *rows[:ROWS]]
    lines = [f"| {' | '.join(map(cell, row))} |" for row in table]
    more = f"\n… and {len(rows) - ROWS} more rows\n" if len(rows) > ROWS else ""
    return "\n".join(
        [
            f"## {section} {name}\n\n{what}\n",
            f"```console\n$ mlcli train experiment={name}\n```\n",
            f"**{conclusion['sentence']}**\n",
            *lines,
            more,
            f"![{name}]({name}.png)\n" if (GALLERY / f"{name}.png").exists() else "",
        ]
    )


def cell(value: object) -> str:
    return format_number(value).replace("|", "\\|")


if __name__ == "__main__":
    GALLERY.mkdir(parents=True, exist_ok=True)
    names = [argument for argument in sys.argv[1:] if argument != "--page"]
    only = [name for name in "".join(names).split(",") if name]
    raise SystemExit(main(only, page_only="--page" in sys.argv))
