"""Configs of a sweep's trials: those that Hydra would compose one by one."""

from pathlib import Path

import pytest

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.config.errors import ConfigError
from mlcli.config.trials import TrialComposer

TRIALS = [
    ["optimizer.lr=0.5", "trainer.seed=1"],
    ["optimizer.lr=0.5", "trainer.epochs=3"],
    ["model=mlp", "optimizer.lr=0.1", "trainer.seed=1"],
    ["model=lstm", "optimizer.lr=0.2", "trainer.seed=1"],
    ["model=mlp", "optimizer.lr=1e-5", "trainer.class_weights=balanced", "trainer.seed=2"],
    ["model=mlp", "model.width=8", "optimizer=sgd", "optimizer.lr=0.3"],
    ["model=mlp", "+optimizer.extra=1", "trainer.lr_scale={head: 2}", "split.classes=[a,b]", "trainer.max_time=1"],
    ["model=mlp", "optimizer.betas=[0.5,0.9]", "optimizer.betas=[0.6,0.9]", "name='a b'"],
    ["model=mlp", "split={val: 0.1}", "split.val=0.3"],
    ["model=mlp", "split.val=0.3", "split={val: 0.1}"],
    ["model=mlp", "~optimizer.betas", "++name=x"],
    ["model=mlp", "name=${data.shift}", "outputs=${oc.env:HOME}"],
]


@pytest.mark.parametrize(
    "typed", [["trainer.epochs=7", "split.val=0.4"], ["+optimizer.more=2", "~scheduler._target_"], []]
)
@pytest.mark.parametrize("interpolated", [False, True])
def test_trials_equal_composing_each_alone(tmp_path: Path, interpolated: bool, typed: list[str]) -> None:
    """The shortcut (one composition per choice of groups) gives what Hydra gives trial by trial, also where settings
    are made of others."""
    (tmp_path / "data").mkdir()
    rest = "sum: ${optimizer.lr}, ${trainer.seed}\n" if interpolated else ""
    (tmp_path / "data" / "own.yaml").write_text(f"# own\n_target_: own\nshift: 1\n{rest}")
    with hydra_session(str(tmp_path)) as hydra:
        sweep = compose(hydra, ["data=own", *typed, "optimizer.lr=1,2"], multirun=True)
        quick = TrialComposer(hydra.config_loader, sweep)
        alone = [to_run(hydra.config_loader.load_sweep_config(sweep, ["data=own", *typed, *own])) for own in TRIALS]
        for own, expected in zip([*TRIALS, *TRIALS], [*alone, *alone], strict=True):
            made = quick(["data=own", *typed, *own])
            assert made == expected  # also the second time: no trial leaves anything behind for the next
            made.trainer.seed, made.split.classes = 99, None
        assert len(quick.bases) == 4  # the default, mlp, lstm, mlp with sgd


def test_a_trials_mistakes_are_told(tmp_path: Path) -> None:
    with hydra_session() as hydra:
        quick = TrialComposer(hydra.config_loader, compose(hydra, ["optimizer.lr=1,2"], multirun=True))
        for mistake in ("trainer.epochs=abc", "optimizer.lrr=1", "trainer.epochs.x=1"):
            for overrides in ([mistake], ["optimizer.lr=0.1", mistake]):
                with pytest.raises(ConfigError, match=mistake.partition("=")[0].rpartition(".")[2]):
                    quick(overrides)


OF_THE_JOB = [
    (["name='${hydra:job.num}'"], "{number}"),
    (["name='${hydra:job.override_dirname}'"], "data=own,optimizer.lr=0.{number}"),
    (["name='${hydra:sweep.dir}'"], "{sweep}"),
    (["name='${hydra:runtime.output_dir}'"], "{cwd}/{sweep}/{number}"),
    (["name='${hydra:runtime.cwd}'"], "{cwd}"),
    (["model=linear", "name='${hydra:runtime.choices.model}'"], "linear"),
    (["name='${hydra:job.override_dirname}'", "optimizer.weight_decay=${optimizer.lr}"],
     "data=own,optimizer.lr=0.{number},optimizer.weight_decay=0.{number}"),
]  # fmt: skip


@pytest.mark.parametrize(("own", "expected"), OF_THE_JOB)
@pytest.mark.parametrize("in_file", [False, True])
def test_hydras_own_settings_are_those_of_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: list[str], expected: str, in_file: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf" / "data").mkdir(parents=True)
    (tmp_path / "conf" / "data" / "own.yaml").write_text(
        "# own\n_target_: own\nnumber: ${hydra:job.num}\n" if in_file else "# own\n_target_: own\n"
    )
    with hydra_session() as hydra:
        sweep = compose(hydra, ["data=own", *own, "optimizer.lr=0.1,0.2"], multirun=True)
        folder = sweep.hydra.sweep.dir
        quick = TrialComposer(hydra.config_loader, sweep)
        for number in (1, 2, 1):
            made = quick(["data=own", *own, f"optimizer.lr=0.{number}"], number)
            values = {"number": number, "sweep": folder, "cwd": tmp_path}
            assert made.name == expected.format(**values)
            assert made.data.get("number") == (number if in_file else None)
        assert sweep.hydra.sweep.dir == folder


def test_what_is_left_unresolved_is_refused() -> None:
    with hydra_session() as hydra:
        quick = TrialComposer(hydra.config_loader, compose(hydra, ["optimizer.lr=1,2"], multirun=True))
        for escaped in (r"name='\${optimizer.lr}'", r"trainer.lr_scale={a:'\${oc.env:HOME}'}"):
            with pytest.raises(ConfigError, match=r"cannot contain '\$\{'"):
                quick(["optimizer.lr=1", escaped])
