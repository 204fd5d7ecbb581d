"""The shipped configs from outside of mlcli: Hydra's own `compose`, as in a notebook or another program."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = """
import sys
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

own = ["hydra.searchpath=[file:///%s]", "model=own"]
with initialize_config_dir(sys.argv[1], version_base="1.3"):
    cfg = compose("config", ["optimizer=sgd", "trainer.epochs=3", *own], return_hydra_config=True)
    print(OmegaConf.to_container(cfg.trainer)["epochs"], cfg.model.width, cfg.hydra.run.dir)
    try:
        compose("config", ["trainer.epochs=abc"])
    except Exception as error:
        print("could not be converted to Integer" in str(error.__cause__))
"""


def test_hydra_s_compose_finds_the_schema_without_mlcli(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "own.yaml").write_text("_target_: own.Net\nwidth: 7\n")
    command = [sys.executable, "-c", CODE % str(tmp_path)[1:], str(ROOT / "conf")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    epochs, width, folder, typed = done.stdout.split()
    assert (epochs, width, typed) == ("3", "7", "True") and folder.startswith("outputs/runs/20")
