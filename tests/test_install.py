"""The wheel is complete: installed elsewhere, `mlcli` works from any folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel unpacked as by pip."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        ".",
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(installed: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """mlcli of the wheel; each call checks that it is not the one of the checkout."""
    code = (
        f"import sys; sys.path.insert(0, {str(installed)!r})\n"
        f"import mlcli; assert mlcli.__file__.startswith({str(installed)!r}), mlcli.__file__\n"
        "from mlcli.__main__ import main; main()"
    )
    # -P: the current folder is not searched for modules, as for an installed script
    command = [sys.executable, "-P", "-c", code, *arguments]
    env = os.environ | {"PYTHONPATH": str(installed)}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_the_wheel_has_the_configs(installed: Path) -> None:
    shipped = {str(path.relative_to(ROOT / "conf")) for path in (ROOT / "conf").rglob("*.yaml")}
    packed = {str(path.relative_to(installed / "mlcli" / "conf")) for path in (installed / "mlcli").rglob("*.yaml")}
    assert packed == shipped
    assert (installed / "hydra_plugins" / "mlcli_sweep" / "plugins.py").exists()


def test_trains_from_any_folder(installed: Path, tmp_path: Path) -> None:
    arguments = ["train", "-m", "trainer.seed=0,1", "trainer.epochs=1", "tracking=none", "tracking.figures=false"]
    done = run(installed, tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    assert "2 trials" in done.stdout


def test_lists_its_options(installed: Path, tmp_path: Path) -> None:
    assert "Long short-term memory" in run(installed, tmp_path, "list", "model").stdout
