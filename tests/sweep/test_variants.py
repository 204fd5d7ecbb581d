"""Named variants of a sweep."""

import json
from pathlib import Path

import pytest

from mlcli.cli.training import main
from mlcli.config.errors import ConfigError
from mlcli.sweep.variants import expand_variant, with_variants

VARIANTS = {"none": None, "both": "model.dropout=0.5 'name=a b'"}


def test_a_sweep_tries_all_variants_unless_some_are_picked() -> None:
    assert with_variants(VARIANTS, ["trainer.seed=0,1"]) == ["variant=none,both", "trainer.seed=0,1"]
    assert with_variants(VARIANTS, ["x=1", "variant=none"]) == ["variant=none", "x=1"]
    assert with_variants({}, ["trainer.seed=0,1"]) == ["trainer.seed=0,1"]


def test_a_variant_stands_for_its_overrides_but_what_is_typed_counts() -> None:
    assert expand_variant(VARIANTS, ["variant=none", "x=1"]) == ["variant=none", "x=1"]
    assert expand_variant(VARIANTS, ["variant=both"]) == ["variant=both", "model.dropout=0.5", "name=a b"]
    assert expand_variant(VARIANTS, ["variant=both", "model.dropout=0"])[1:] == ["model.dropout=0", "name=a b"]
    assert expand_variant(VARIANTS, ["x=1"]) == ["x=1"]
    with pytest.raises(ConfigError, match=r"variant=bth: no such variant of this sweep\. Did you mean both"):
        expand_variant(VARIANTS, ["variant=bth"])


def test_trials_are_told_by_their_variant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variant may select options of groups; trials that differ only in numbers are one stack nevertheless."""
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "conf" / "experiment" / "two.yaml").write_text(
        "# @package _global_\nhydra:\n  mode: MULTIRUN\n  sweeper:\n    variants:\n"
        "      quick: optimizer=sgd optimizer.lr=0.5\n      slow: optimizer=sgd optimizer.lr=0.01\n"
    )
    monkeypatch.chdir(tmp_path)
    quick = ["tracking=none", "sweep.figures=0", "data=iris", "trainer.epochs=1", "model.width=8"]
    main(["-q", "experiment=two", "trainer.seed=0,1", "hydra/launcher=stack", *quick])
    (report,) = tmp_path.glob("outputs/sweeps/*/trials.json")
    trials = json.loads(report.read_text())["trials"]
    assert [trial["swept"] for trial in trials] == [
        {"variant": name, "trainer.seed": seed} for name in ("quick", "slow") for seed in (0, 1)
    ]
    assert [trial["metrics"]["lr"] for trial in trials] == pytest.approx([0.5, 0.5, 0.01, 0.01])
    assert "variant: slow" in (report.parent / "3" / "config.yaml").read_text()


def test_a_single_run_has_no_variant(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["variant=quick", "tracking=none"])
    assert "variants exist in sweeps only" in capsys.readouterr().err
