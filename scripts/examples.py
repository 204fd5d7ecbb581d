"""Writes all files of docs/extending.md into one project folder, and runs the commands of its section "All at once".

    python scripts/examples.py             # in a temporary folder
    python scripts/examples.py my-project  # in this folder, which must be new

The exit status is 1 if a command fails or a run has not finished.
"""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

PAGE = Path(__file__).resolve().parent.parent / "docs" / "extending.md"
FILE = re.compile(r"^`(?P<name>[\w./]+)`:\n\n```(?:python|yaml)\n(?P<text>.*?)^```", re.M | re.S)
SECTION = re.compile(r"^## All at once\n(?P<text>.*?)^## ", re.M | re.S)


def main() -> None:
    if len(sys.argv) > 1:
        folder = Path(sys.argv[1])
        folder.mkdir(parents=True)
        sys.exit(run(folder))
    with TemporaryDirectory(prefix="mlcli-examples-") as name:
        sys.exit(run(Path(name)))


def run(folder: Path) -> int:
    """Runs the project in this folder. Returns the exit status."""
    page = PAGE.read_text(encoding="utf-8")
    for file in FILE.finditer(page):
        target = folder / file["name"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file["text"], encoding="utf-8")
    for command in commands(page):
        print(f"$ {command}", flush=True)
        program, *arguments = shlex.split(command)
        done = subprocess.run([Path(sys.executable).parent / program, *arguments], cwd=folder, check=False)
        if done.returncode:
            return 1
    records = [json.loads(path.read_text()) for path in folder.glob("outputs/**/run.json")]
    failed = [record["id"] for record in records if record["status"] != "FINISHED"]
    print(f"{len(records) - len(failed)} of {len(records)} runs finished in {folder}")
    return int(bool(failed) or not records)


def commands(page: str) -> list[str]:
    """The commands of the section, in order."""
    section = SECTION.search(page)
    assert section is not None
    lines = re.sub(r"\\\n *", "", section["text"]).splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


if __name__ == "__main__":
    main()
