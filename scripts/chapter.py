"""Runs the experiments of the chapter, one after the other, and writes what each has shown into docs/gallery.

    python scripts/chapter.py               # all of conf/experiment
    python scripts/chapter.py pca,maml      # some; the page keeps what the others have shown before

One that fails does not stop the rest; it keeps its place on the page, if it has one, and the exit status is 1.
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
RUNS = ROOT / "outputs" / "chapter"  # a folder of runs for each experiment
LIMIT = 900  # seconds after which an experiment has failed
WIDEST, COLOURS = 1100, 256  # of a picture on the page, which has 10 to 60 kB then
ROWS = 14  # of a table on the page
# The picture is the first of the answer's own, but for some that tell more.
TELLING = {
    "house_prices": "predicted_against_true",
    "q_learning": "policy",
    "hidden_size_memory": "sweep",
    "denoising_autoencoder": "denoised_1",
    "latent_space": "latent_space",
}
OTHERS = ("compare", "sweep", "learning_curves")  # of the run or sweep, where the answer has none
INTRODUCTION = """# The chapter

Every experiment of `conf/experiment`, with its command, what it has shown, and one of its pictures. The answers are
computed from the runs when a command ends; no number here is written by hand. Seconds are those of the whole command
on two CPU cores, with MLflow: {minutes:.0f} minutes for all. `make chapter` runs them and writes this page,
`make chapter ONLY=pca,maml` some of them.
"""


def main(only: list[str]) -> int:
    experiments = index.experiments((index.shipped(),))
    unknown = set(only) - {name for name, *_ in experiments}
    if unknown:
        print(f"error: there is no experiment {', '.join(sorted(unknown))}: see `mlcli list experiments`")
        return 2
    failed = []
    for name, *_ in experiments:
        if not only or name in only:
            failed += [] if run(name) else [name]
    write_page(experiments)
    if failed:
        print(f"failed: {', '.join(failed)}; what is left of them is in {RUNS.relative_to(ROOT)}")
    return 1 if failed else 0


def run(name: str) -> bool:
    """Whether the experiment has an answer, which is then in the gallery with its picture."""
    outputs = RUNS / name
    shutil.rmtree(outputs, ignore_errors=True)
    command = [sys.executable, "-m", "mlcli", "train", "-q", f"experiment={name}", f"outputs={outputs}"]
    started = time.perf_counter()
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False)
        status, said = done.returncode, done.stderr
    except subprocess.TimeoutExpired:
        status, said = 1, f"not done after {LIMIT} seconds"
    seconds = time.perf_counter() - started
    answers = list(outputs.glob("*/*/answer.json"))
    if status or not answers:
        print(f"{name}: failed after {seconds:.0f} s: {(said.strip().splitlines() or ['no answer'])[-1]}", flush=True)
        return False
    answer = json.loads(answers[0].read_text())
    print(f"{name}: {seconds:.0f} s: {answer['sentence']}", flush=True)
    keep(name, answer | {"seconds": round(seconds)}, answers[0].parent / "figures")
    return True


def keep(name: str, answer: dict, figures: Path) -> None:
    """Into the gallery: the picture, if there is one, made small, and all else in one file."""
    pictures = [figures / f"{each}.png" for each in (TELLING.get(name), *answer["figures"], *OTHERS)]
    (GALLERY / f"{name}.png").unlink(missing_ok=True)
    found = next((path for path in pictures if path.exists()), None)
    if found:
        with Image.open(found) as picture:
            small = picture.convert("RGB")
        small.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
        small.quantize(COLOURS, dither=Image.Dither.NONE).save(GALLERY / f"{name}.png", optimize=True)
    kept = answers()
    kept[name] = {key: answer[key] for key in ("sentence", "columns", "rows", "seconds")}
    lines = [f"{json.dumps(each)}: {json.dumps(kept[each], ensure_ascii=False)}" for each in sorted(kept)]
    (GALLERY / "answers.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def answers() -> dict:
    """Those in the gallery, by experiment."""
    path = GALLERY / "answers.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write_page(experiments: list[tuple[str, str, str, str]]) -> None:
    kept = answers()
    shown = [each for each in experiments if each[0] in kept]
    contents = ["| | experiment | what it is | seconds |", "|---|---|---|--:|"]
    for name, section, what, _ in shown:
        link = f"[{name}](#{section.replace('.', '')}-{name})"
        contents.append(f"| {section} | {link} | {cell(what)} | {kept[name]['seconds']} |")
    minutes = sum(kept[name]["seconds"] for name, *_ in shown) / 60
    parts = [INTRODUCTION.format(minutes=minutes), "\n".join(contents) + "\n"]
    parts += [section_of(name, section, what, kept[name]) for name, section, what, _ in shown]
    (GALLERY / "README.md").write_text("\n".join(parts), encoding="utf-8")


def section_of(name: str, section: str, what: str, answer: dict) -> str:
    columns, rows = answer["columns"], answer["rows"]
    table = [columns, ["---"] * len(columns), *rows[:ROWS]]
    lines = [f"| {' | '.join(map(cell, row))} |" for row in table]
    more = f"\n… and {len(rows) - ROWS} rows more.\n" if len(rows) > ROWS else ""
    return "\n".join(
        [
            f"## {section} {name}\n\n{what}\n",
            f"```console\n$ mlcli train experiment={name}\n```\n",
            f"**{answer['sentence']}**\n",
            *lines,
            more,
            f"![{name}]({name}.png)\n" if (GALLERY / f"{name}.png").exists() else "",
        ]
    )


def cell(value: object) -> str:
    return format_number(value).replace("|", "\\|")


if __name__ == "__main__":
    GALLERY.mkdir(parents=True, exist_ok=True)
    raise SystemExit(main([name for name in "".join(sys.argv[1:]).split(",") if name]))
