"""`mlcli train` in this process: overrides reach each run as intended."""

import json
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from mlcli.cli.cross_validation import main as crossval
from mlcli.cli.training import main
from mlcli.store.folder import RunFolder
from tests import commands
from tests.commands import QUICK


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def only(pattern: str) -> Path:
    (found,) = Path("outputs").glob(pattern)
    return found


def configs(folder: Path) -> list[Any]:
    """Configs of a sweep's trials, in order, completely resolved."""
    found = sorted(folder.glob("*/config.yaml"), key=lambda path: int(path.parent.name))
    assert not any("${" in path.read_text() for path in [*found, folder / "config.yaml"])
    return [RunFolder(path.parent).config() for path in found]


COUPLED = "optimizer.weight_decay=${optimizer.lr}"


def test_an_interpolation_is_resolved_by_each_trial(capsys: pytest.CaptureFixture[str]) -> None:
    main(["-m", *QUICK, "hydra/launcher=stack", "optimizer.lr=1e-3,1e-2", COUPLED, "name=lr-${optimizer.lr}"])
    folder = only("sweeps/*")
    made = configs(folder)
    assert [cfg.optimizer.lr for cfg in made] == [cfg.optimizer.weight_decay for cfg in made] == [1e-3, 1e-2]
    assert [cfg.name for cfg in made] == ["lr-0.001", "lr-0.01"]
    trials = json.loads((folder / "trials.json").read_text())["trials"]
    assert [trial["swept"] for trial in trials] == [{"optimizer.lr": 1e-3}, {"optimizer.lr": 1e-2}]
    assert COUPLED in OmegaConf.to_container(OmegaConf.load(folder / "1" / "overrides.yaml"))
    weights = [json.loads((folder / str(i) / "result.json").read_text())["metrics"]["train/loss"] for i in (0, 1)]
    for number, rate in enumerate((1e-3, 1e-2)):  # what the stack trained with is what its config says
        main([*QUICK, f"optimizer.lr={rate}", f"optimizer.weight_decay={rate}", f"hydra.run.dir=alone/{number}"])
        alone = json.loads(Path(f"alone/{number}/result.json").read_text())["metrics"]["train/loss"]
        assert weights[number] == pytest.approx(alone, rel=1e-5)


def test_a_swept_value_made_of_others_is_told_resolved() -> None:
    main(["-m", *QUICK, "optimizer.lr=0.1,0.2", "optimizer.weight_decay=${optimizer.lr},0.5"])
    trials = json.loads((only("sweeps/*") / "trials.json").read_text())["trials"]
    pairs = [(trial["swept"]["optimizer.lr"], trial["swept"]["optimizer.weight_decay"]) for trial in trials]
    assert pairs == [(0.1, 0.1), (0.1, 0.5), (0.2, 0.2), (0.2, 0.5)]


def test_a_cross_validation_resolves_by_trial() -> None:
    crossval([*QUICK, "folds=2", "optimizer.lr=0.1,0.2", COUPLED, "name=fold-${split.fold}"])
    made = configs(only("sweeps/*"))
    assert [cfg.optimizer.weight_decay for cfg in made] == [cfg.optimizer.lr for cfg in made]
    assert {(cfg.optimizer.lr, cfg.name) for cfg in made} == {
        (rate, f"fold-{fold}") for rate in (0.1, 0.2) for fold in (0, 1)
    }


def test_an_experiments_params_and_variants_are_resolved_by_trial() -> None:
    Path("conf/experiment").mkdir(parents=True)
    Path("conf/experiment/coupled.yaml").write_text(
        "# @package _global_\nhydra:\n  mode: MULTIRUN\n  sweeper:\n    params:\n      optimizer: sgd,momentum\n"
        "      optimizer.lr: 0.1,0.2\n      name: momentum-${optimizer.weight_decay}\n"
        "    variants:\n      coupled: optimizer.weight_decay=${optimizer.lr}\n      fixed:\n"
    )
    main([*QUICK, "experiment=coupled"])
    made = configs(only("sweeps/*"))
    assert len(made) == 8
    for cfg in made:
        assert cfg.optimizer.weight_decay == (cfg.optimizer.lr if cfg.variant == "coupled" else 0)
        assert cfg.name == f"momentum-{cfg.optimizer.weight_decay}"


def test_a_single_run_keeps_what_was_typed() -> None:
    main([*QUICK, "optimizer.lr=0.25", COUPLED, "name=in-${hydra:job.override_dirname}", "hydra.run.dir=mine"])
    text = Path("mine/config.yaml").read_text()
    assert "weight_decay: 0.25" in text and "name: in-data=iris,device=cpu" in text and "${" not in text
    assert COUPLED in OmegaConf.to_container(OmegaConf.load("mine/overrides.yaml"))


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        (["name='${hydra:runtime.cwd}'"], "{cwd}"),
        (["name='${hydra:runtime.output_dir}'"], "{cwd}/mine"),
        (["hydra.job.name=me", "name='${hydra:job.name}'"], "me"),
        (["name='${oc.env:HOME}'"], "{home}"),
    ],
)
def test_hydras_own_settings_of_a_single_run(typed: list[str], wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    main([*QUICK, *typed, "hydra.run.dir=mine"])
    assert RunFolder(Path("mine").absolute()).config().name == wanted.format(cwd=Path.cwd(), home="/somewhere")


def test_trials_have_hydras_own_numbers() -> None:
    main(["-m", *QUICK, "optimizer.lr=0.1,0.2", "name='${hydra:job.num}'", "hydra.sweep.dir='x/${hydra:job.name}'"])
    assert [cfg.name for cfg in configs(Path("x/mlcli"))] == ["0", "1"]


def test_what_is_pretrained_resolves_by_its_own_config() -> None:
    Path("conf/experiment").mkdir(parents=True)
    Path("conf/experiment/two.yaml").write_text(
        "# @package _global_\npretrain: ['optimizer.lr=0.5', 'optimizer.weight_decay=${optimizer.lr}']\n"
    )
    main(
        [
            *QUICK,
            "experiment=two",
            "optimizer.lr=0.125",
            "outputs='a b'",
            "hydra.run.dir='${outputs}/${optimizer.lr}'",
        ]
    )
    first, second = (RunFolder(Path("a b", rate).absolute()).config() for rate in ("0.5", "0.125"))
    assert (first.optimizer.weight_decay, second.optimizer.weight_decay) == (0.5, 0)
    assert second.pretrain == str(Path("a b/0.5").absolute())


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        (["optimizer.lr=auto", COUPLED], "optimizer.weight_decay depends on optimizer.lr, which is auto"),
        (
            ["-m", "optimizer.lr=auto", COUPLED, "trainer.seed=0,1"],
            "optimizer.lr=auto finds the learning rate of a single run",
        ),
        (["-m", "optimizer.lr=auto,0.1", COUPLED], "optimizer.lr=auto finds the learning rate of a single run"),
        (["trainer.repeats=2", "optimizer.lr=auto"], "optimizer.lr=auto finds the learning rate of a single run"),
        (["name='\\${x}'"], "cannot contain '${'"),
        (
            ["-m", "trainer.repeats=2", "trainer.seed=range(5)"],
            "trainer.seed=range(5): trainer.repeats sweeps over seeds itself",
        ),
        (["~optimizer"], "optimizer has no _target_"),
        (["-m", "~optimizer", "trainer.seed=0,1"], "optimizer has no _target_"),
        (["trainer.class_weights=[1,2,a]"], "trainer.class_weights=[1, 2, 'a']: must be null, balanced"),
        (["trainer.lr_scale=3"], "trainer.lr_scale=3: must be null, or a factor by pattern"),
        (["conclusion=3"], "conclusion=3: must be a group with a _target_"),
        (["optimizer.lr=${trainer}"], "optimizer.lr="),
        (["optimizer.lr=[0.1,0.2]"], "optimizer.lr=[0.1, 0.2]: must be a number, or auto"),
        (["model=../data/iris"], "an option is a name in its group"),
        (["optimizer.lr"], "'optimizer.lr' sets nothing: use KEY=VALUE"),
        (["=1"], "'=1' sets nothing: use KEY=VALUE"),
        (["trainer.epochs=ten"], "trainer.epochs=ten: must be a whole number."),
        (["trainer.epochs=1.5"], "trainer.epochs=1.5: must be a whole number."),
        (["trainer.clip_norm=big"], "trainer.clip_norm=big: must be"),
        (["model=LSTM"], "Did you mean lstm?"),
        (["model", "=", "lstm"], "no spaces around the =: use model=lstm."),
        (["trainer=3"], "A group is set to the name of an option"),
        (["-m", "trainer.seed=range(3,0,0)"], "trainer.seed=range(3,0,0): range() arg 3 must not be zero"),
        (["-m", "outputs=a,b"], "outputs applies to the whole sweep"),
        (["-m", "sweep.figures=0,1"], "sweep.figures applies to the whole sweep"),
        (["-m", "tracking=none,tensorboard"], "tracking.name applies to the whole sweep"),
        (["-m", "trainer.repeats=2,3"], "trainer.repeats is one number of seeds"),
        (["-m", "optimizer.lr=interval(0,1)"], "an interval has infinitely many values"),
        (["-m", "trainer.seed=0,1", "hydra.launcher.strategy=no.such"], "hydra.launcher.strategy=no.such: cannot be"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(
    typed: list[str], wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wanted in commands.refusal([*QUICK, *typed], capsys)
    assert list(Path().iterdir()) == []


def test_repeats_are_of_one_sweeper(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*QUICK, "trainer.repeats=2", "hydra/sweeper=basic"])
    assert ended.value.code == 2 and "trainer.repeats needs hydra/sweeper=grid" in capsys.readouterr().err
