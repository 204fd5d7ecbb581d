"""Unknown keys in a sweep over options: the message refers to the swept options."""

from pathlib import Path

import pytest

from mlcli.cli.training import main
from mlcli.store.folder import RunFolder
from tests import commands

QUICK = ["-m", "-q", "data=iris", "model=linear", "trainer.epochs=1", "tracking=none", "tracking.figures=false"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("conf/experiment").mkdir(parents=True)
    Path("conf/experiment/params.yaml").write_text(
        "# @package _global_\nhydra:\n  mode: MULTIRUN\n  sweeper:\n    params:\n      optimizer: momentum,nesterov\n"
    )
    Path("conf/experiment/named.yaml").write_text(
        "# @package _global_\nhydra:\n  mode: MULTIRUN\n  sweeper:\n    variants:\n"
        "      a: optimizer=momentum optimizer.lr=0.1\n      b: optimizer=nesterov\n      d: optimizer=adam\n"
    )


def configs() -> list:
    (folder,) = Path("outputs/sweeps").iterdir()
    return [RunFolder(path.parent).config() for path in sorted(folder.glob("*/config.yaml"))]


@pytest.mark.parametrize(
    "typed",
    [
        ["optimizer=momentum,nesterov"],
        ["experiment=params"],
        ["experiment=named", "variant=a,b"],
    ],
)
def test_a_key_of_all_swept_options_is_set_in_each(typed: list[str]) -> None:
    """The sweep's own optimizer is adam, which has no momentum."""
    main([*(QUICK if "=named" not in typed[0] else QUICK[1:]), *typed, "optimizer.momentum=0.25"])
    assert [cfg.optimizer.momentum for cfg in configs()] == [0.25, 0.25]
    assert {cfg.optimizer.get("nesterov", False) for cfg in configs()} == {True, False}


def test_of_every_group() -> None:
    main([*QUICK, "scheduler=step,exponential", "scheduler.gamma=0.5"])
    assert [cfg.scheduler.gamma for cfg in configs()] == [0.5, 0.5]


def test_a_value_may_be_swept_along() -> None:
    main([*QUICK, "optimizer=momentum,nesterov", "optimizer.momentum=0.25,0.5"])
    assert [cfg.optimizer.momentum for cfg in configs()] == [0.25, 0.5, 0.25, 0.5]


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        (["optimizer=adam,momentum", "optimizer.momentum=0.5"], "optimizer.momentum fits momentum, not adam: "),
        (["optimizer=adamw,momentum", "optimizer.momentum=0.5"], "optimizer.momentum fits momentum, not adamw: "),
        (["optimizer=adam,momentum", "optimizer.momentum=0.5,0.9"], "optimizer.momentum fits momentum, not adam: "),
        (
            ["optimizer=momentum,adam,sgd", "optimizer.betas=[0.5,0.9]"],
            "optimizer.betas fits adam, not momentum, sgd",
        ),
        (["optimizer=adam,momentum", "~optimizer.momentum"], "optimizer.momentum fits momentum, not adam: "),
        (["optimizer=sgd,adam", "++optimizer.momentum=0.5"], "optimizer.momentum fits sgd, not adam: "),
        (["model=linear,mlp", "model.width=8"], "model.width fits mlp, not linear: "),
        (["experiment=params", "optimizer.betas=[0.5,0.9]"], "There is no optimizer.betas in this config."),
        (
            ["experiment=named", "variant=a,d", "optimizer.momentum=0.5"],
            "optimizer.momentum fits momentum, not adam: ",
        ),
        (["data=iris,blobs", "data.examples=99"], "data.examples fits blobs, not iris: "),
        (["task=classification,regression", "data=diabetes", "task.delta=2"], "There is no task.delta"),
        (["optimizer=sgd,momentum", "optimizer.momentun=0.5"], "Did you mean optimizer.momentum?"),
        (["trainer.seed=0,1", "optimizer.momentum=0.5"], "There is no optimizer.momentum"),
        (["optimizer=sgd,momentum", "trainer.epoch=1"], "Did you mean trainer.epochs?"),
        (["optimizer=sgd,momentum", "hydra.joob.num=1"], "hydra.joob"),
        (["task.loss=a,b"], "task.loss=a: use task.loss._target_=a."),
    ],
)
def test_a_key_of_some_is_refused_and_says_of_which(
    typed: list[str], wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wanted in commands.refusal([*QUICK, *typed], capsys)
    assert not Path("outputs").exists()
