"""Commands that run in the test's own process."""

from pathlib import Path

import pytest

from mlcli.cli.training import main

# Overrides of a run that takes less than a second.
QUICK = [
    "-q",
    "data=iris",
    "model=linear",
    "trainer.epochs=1",
    "tracking=none",
    "tracking.figures=false",
    "device=cpu",
]


def sweep(arguments: list[str], status: int = 0) -> Path:
    """Runs `mlcli train -m` in the current folder; returns the folder of the sweep."""
    before = set(Path("outputs/sweeps").glob("*"))
    try:
        main(["-m", *arguments])
        ended = 0
    except SystemExit as end:
        ended = int(end.code or 0)
    assert ended == status
    (made,) = set(Path("outputs/sweeps").glob("*")) - before
    return made


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Runs `mlcli train`, which must reject its arguments; returns its single line on stderr."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    message = capsys.readouterr().err
    assert ended.value.code == 2 and message.count("\n") == 1
    return message
