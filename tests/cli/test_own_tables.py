"""Trainings on tables of one's own: what is stored reproduces the run, in any folder."""

import json
import shlex
from pathlib import Path

import pytest
import yaml

from mlcli.cli.training import main
from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.store.folder import RunFolder

ROWS = "".join(f"{30 + i},0{1000 + i % 9},{'flat' if i % 3 else 'house'},{1.5 * i}\n" for i in range(60))
QUICK = ["data=csv", "data.path=houses, sold #1.csv", "model=linear", "trainer.epochs=1", "tracking=none", "-q"]
ODD = ['data.types={"plz #": category}', "split.by=group:plz #", "name=ä; (1)"]


@pytest.fixture(autouse=True)
def _in_a_folder_with_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("houses, sold #1.csv").write_text(f"Größe,plz #,kind,price ($)\n{ROWS}")


def reproduced(folder: Path) -> None:
    """The stored command and the stored overrides compose to the stored config."""
    stored = RunFolder(folder).config()
    command = shlex.split(json.loads((folder / "run.json").read_text())["command"])[2:]
    for words in (command, yaml.safe_load((folder / "overrides.yaml").read_text())):
        with hydra_session() as hydra:
            assert to_run(compose(hydra, [word for word in words if word[:1] != "-"])) == stored
    assert any(word.startswith("task=") for word in command)


def test_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = [*QUICK, "data.target=price ($)", *ODD]
    monkeypatch.setattr("sys.argv", ["mlcli", "train", *arguments])
    main(arguments)
    (folder,) = Path("outputs/runs").iterdir()
    cfg = RunFolder(folder).config()
    assert cfg.data.target == "price ($)" and cfg.data.types == {"plz #": "category"} and cfg.name == "ä; (1)"
    assert cfg.data.path == str(Path("houses, sold #1.csv").absolute()) and cfg.split.by == "group:plz #"
    assert json.loads((folder / "run.json").read_text())["options"]["task"] == "regression"
    reproduced(folder)


def test_a_sweep_over_targets() -> None:
    main(["-m", *QUICK, "data.target=kind,price ($)", *ODD])
    (sweep,) = Path("outputs/sweeps").iterdir()
    trials = json.loads((sweep / "trials.json").read_text())["trials"]
    assert [trial["swept"]["data.target"] for trial in trials] == ["kind", "price ($)"]
    for number, task in enumerate(("classification", "regression")):
        assert json.loads((sweep / str(number) / "run.json").read_text())["options"]["task"] == task
        reproduced(sweep / str(number))
