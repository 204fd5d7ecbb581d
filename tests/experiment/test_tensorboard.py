import subprocess
import sys
from pathlib import Path


def test_the_reader_finds_every_epoch(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mlcli", "train", "-q", "experiment=tensorboard", "trainer.epochs=3"]
    done = subprocess.run(
        [*command, "tracking=tensorboard"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert "finds 3 of 3 epochs" in done.stdout
