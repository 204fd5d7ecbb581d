"""Cross-validation: the folds as one stack, the report, and scikit-learn on the same folds."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mlcli.cli.cross_validation import as_sweep, main
from mlcli.cli.training import main as train
from mlcli.config.compose import shipped_conf
from mlcli.data import iris
from mlcli.metric.resampled import paired, resampled
from mlcli.store.folder import RunFolder
from mlcli.sweep.crossval import _summary

QUICK = ["tracking=none", "device=cpu", "trainer.epochs=2", "-q"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made(kind: str = "sweeps") -> Path:
    return max(Path("outputs", kind).iterdir(), key=lambda path: path.stat().st_mtime_ns)


def crossval(*arguments: str) -> tuple[Path, dict[str, Any]]:
    main([*QUICK, *arguments])
    return made(), json.loads((made() / "crossval.json").read_text())


def result(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "result.json").read_text()))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("held_out", [[], ["split.val=0.2"]])
def test_stacked_folds_equal_separate_runs(held_out: list[str]) -> None:
    """Folds of 569 examples have 113 or 114: without validation data their training splits differ by one example."""
    shared = ["data=breast_cancer", "model=mlp", "model.dropout=0.2", "tracking.figures=false"]
    folder, _ = crossval(*shared, "folds=5", "hydra/launcher=stack", *held_out)
    alone = held_out or ["split.val=0", "trainer.monitor=train/loss"]
    for fold in range(5):
        train([*QUICK, *shared, "split.folds=5", f"split.fold={fold}", *alone])
        mine, theirs = folder / str(fold), made("runs")
        weights, expected = (load_file(each / "model" / "weights.safetensors") for each in (mine, theirs))
        assert weights.keys() == expected.keys()
        for name, tensor in weights.items():
            torch.testing.assert_close(tensor, expected[name], rtol=1e-3, atol=1e-5)
        assert result(mine)["metrics"] == pytest.approx(result(theirs)["metrics"], rel=1e-3, abs=1e-5)
        splits, others = (load_file(each / "splits.safetensors") for each in (mine, theirs))
        assert all(torch.equal(splits[name], others[name]) for name in others)


def test_the_last_epoch_counts_where_nothing_is_held_out() -> None:
    folder, _ = crossval("data=iris", "model=linear", "folds=3", "trainer.epochs=4", "optimizer.lr=1")
    assert [result(folder / str(fold))["best_epoch"] for fold in range(3)] == [4, 4, 4]
    for record in RunFolder(folder / "0").history():
        assert not any(name.startswith("val/") for name in record["metrics"])


def test_report(capsys: pytest.CaptureFixture[str]) -> None:
    folder, found = crossval("data=breast_cancer", "model=linear,mlp", "folds=3", "repeats=2")
    assert (found["metric"], found["folds"], found["repeats"]) == ("test/accuracy", 3, 2)
    scores = {}
    for each in found["configurations"]:
        own = [RunFolder(folder / str(number)) for number in each["trials"]]
        assert [(run.config().split.seed, run.config().split.fold) for run in own] == [
            (seed, fold) for seed in (0, 1) for fold in (0, 1, 2)
        ]
        scores[each["name"]] = [result(run.path)["metrics"]["test/accuracy"] for run in own]
        assert each["scores"] == scores[each["name"]] and each["test_over_train"] == pytest.approx(0.5)
        for metric in ("test/accuracy", "test/roc_auc"):
            values = [result(run.path)["metrics"][metric] for run in own]
            expected = resampled(values, each["test_over_train"])
            assert each["metrics"][metric]["mean"] == pytest.approx(np.mean(values))
            assert each["metrics"][metric]["low"] == pytest.approx(expected.low)
    best, other = (each["name"] for each in found["configurations"])
    assert np.mean(scores[best]) >= np.mean(scores[other])
    (row,) = found["comparisons"]
    expected_row = paired(scores[other], scores[best], found["configurations"][1]["test_over_train"])
    assert (row["name"], row["than"], row["count"]) == (other, best, 6)
    assert (row["difference"], row["p"]) == pytest.approx((expected_row.difference, expected_row.p))
    assert found["metrics"][f"{best}/test/accuracy"] == pytest.approx(np.mean(scores[best]))
    assert (folder / "figures" / "crossval.png").exists()
    told = capsys.readouterr().out
    assert "3-fold cross-validation, 2 repeats" in told and "95 % interval" in told and found["sentence"] in told


def test_every_example_is_predicted_once_by_a_network_that_had_not_seen_it() -> None:
    folder, found = crossval("data=iris", "model=linear", "folds=4", "repeats=2")
    (configuration,) = found["configurations"]
    lines = rows(folder / "predictions" / configuration["predictions"])
    for repeat in ("0", "1"):
        own = [line for line in lines if line["repeat"] == repeat]
        assert [int(line["index"]) for line in own] == list(range(150))
    for number in configuration["trials"]:
        config = RunFolder(folder / str(number)).config()
        mine = [
            line
            for line in lines
            if (int(line["repeat"]), int(line["fold"])) == (config.split.seed, config.split.fold)
        ]
        splits = load_file(folder / str(number) / "splits.safetensors")
        assert [int(line["index"]) for line in mine] == splits["test"].tolist()
        assert not set(splits["test"].tolist()) & set(splits["train"].tolist())
        right = np.mean([line["prediction"] == line["target"] for line in mine])
        assert right == pytest.approx(result(folder / str(number))["metrics"]["test/accuracy"])


def test_folds_in_the_order_of_time_train_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    main([*QUICK[:-1], "task=regression", "data=diabetes", "model=linear", "folds=4", "by=time", "metric=rmse"])
    found = json.loads((made() / "crossval.json").read_text())
    assert found["metric"] == "test/rmse" and found["configurations"][0]["finished"] == 4
    for fold in range(4):
        splits = load_file(made() / str(fold) / "splits.safetensors")
        assert splits["train"].max() < splits["test"].min() and splits["test"].max() < 442
    assert "training splits differ in size" in capsys.readouterr().err


def test_a_fold_that_fails_is_left_out() -> None:
    """The first configuration diverges in every fold, and the second is reported nevertheless."""
    with pytest.raises(SystemExit) as ended:
        crossval("data=iris", "model=linear", "folds=3", "optimizer=sgd", "optimizer.lr=1e38,0.1")
    found = json.loads((made() / "crossval.json").read_text())
    assert ended.value.code == 1
    assert [each["finished"] for each in found["configurations"]] == [3, 0]
    assert found["configurations"][1]["scores"] == [None] * 3 and found["comparisons"] == []


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["folds=1"], "folds=1: must be a whole number at least 2"),
        (["folds=five"], "folds=five: must be a whole number"),
        (["repeats=0"], "repeats=0: must be a whole number at least 1"),
        (["fold=3"], "no fold in this config"),
        (["split.folds=5"], "use folds=5"),
        (["trainer.repeats=3"], "use repeats=3"),
        (["++split.folds=5"], "use folds=5"),
        (["~split.fold"], "use folds=5"),
        (["++trainer.repeats=2"], "use repeats=3"),
        (["folds"], "'folds' sets nothing"),
        (["folds=5", "folds=3"], "folds is given twice"),
        (["by=example,group"], "by=example,group: a cross-validation takes a single value"),
        (["metric=choice(accuracy,loss)"], "a cross-validation takes a single value"),
        (["by=colour"], "split.by=colour: no such choice"),
        (["by=group"], "data=digits has no groups"),
        (["data=iris", "folds=80"], "use fewer folds"),
        (["metric=acuracy"], "Did you mean test/accuracy"),
        (["trainer.patience=3"], "trainer.patience needs a validation split: use split.val=0.2"),
        (["trainer.monitor=val/accuracy"], "use split.val=0.2"),
        (["sweep.halving=true"], "all of them count"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*QUICK, *arguments])
    told = capsys.readouterr().err
    assert ended.value.code == 2 and wanted in told and told.count("\n") == 1
    assert not Path("outputs/sweeps").exists()


def test_as_sweep() -> None:
    assert as_sweep(["model=mlp", "folds=4", "repeats=3", "split.seed=7"]) == [
        "-m", "split.folds=4", "split.fold=range(4)", "conclusion=null", "split.seed=range(7,10)",
        "split.val=0", "sweep.figures=0", "trainer.monitor=train/loss", "model=mlp",
    ]  # fmt: skip
    with_val = as_sweep(["split.val=0.1", "by=group", "metric=f1_macro"])
    assert "trainer.monitor=train/loss" not in with_val and "split.val=0" not in with_val
    assert with_val[-3:] == ["split.val=0.1", "split.by=group", "sweep.metric=test/f1_macro"]


@pytest.mark.skipif(
    not (shipped_conf() / "model" / "logistic_regression.yaml").exists(), reason="no logistic regression"
)
@pytest.mark.parametrize(("data", "accuracy", "auc"), [("digits", 0.967, None), ("breast_cancer", 0.977, 0.995)])
def test_logistic_regression_is_that_of_scikit_learn(data: str, accuracy: float, auc: float | None) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folder, found = crossval(f"data={data}", "model=logistic_regression", "folds=10", "split.seed=0")
    (configuration,) = found["configurations"]
    inputs, targets = load(data)
    ours = [load_file(folder / str(number) / "splits.safetensors") for number in configuration["trials"]]
    folds = [(splits["train"].numpy(), splits["test"].numpy()) for splits in ours]
    theirs = StratifiedKFold(10, shuffle=True, random_state=0).split(inputs, targets)
    assert all(
        np.array_equal(mine, other)
        for pair, own in zip(folds, theirs, strict=True)
        for mine, other in zip(pair, own, strict=True)
    )
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    assert configuration["scores"] == pytest.approx(cross_val_score(model, inputs, targets, cv=folds), abs=1e-9)
    assert round(configuration["metrics"]["test/accuracy"]["mean"], 3) == accuracy
    if auc is not None:
        scores = cross_val_score(model, inputs, targets, cv=folds, scoring="roc_auc")
        assert configuration["metrics"]["test/roc_auc"]["mean"] == pytest.approx(scores.mean(), abs=1e-6)
        assert round(scores.mean(), 3) == auc


def load(data: str) -> tuple[np.ndarray, np.ndarray]:
    from sklearn import datasets

    loaded: tuple[np.ndarray, np.ndarray] = getattr(datasets, f"load_{data}")(return_X_y=True)
    return loaded


def grouped(monkeypatch: pytest.MonkeyPatch, group_of: list[int]) -> None:
    load = iris.iris
    monkeypatch.setattr(iris, "iris", lambda: replace(load(), groups=torch.tensor(group_of)))


@pytest.mark.parametrize("by", ["time", "group"])
def test_repeats_whose_folds_cannot_differ_are_refused(
    by: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With groups of unequal size only one assignment to folds is possible."""
    grouped(monkeypatch, [0] * 60 + [1] * 50 + [2] * 40)
    with pytest.raises(SystemExit) as ended:
        main([*QUICK, "data=iris", "model=mlp", f"by={by}", "folds=3", "repeats=5"])
    assert ended.value.code == 2 and not Path("outputs").exists()
    assert (
        f"5 repeats: split.by={by} splits these examples into the same 3 folds each time" in capsys.readouterr().err
    )


def test_equal_folds_of_several_repeats_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two groups of 25 are interchangeable, so that 6 repeats have only two different splits."""
    group_of = [place % 4 for place in range(100)] + [0] * 35 + [1] * 15
    grouped(monkeypatch, group_of)
    _, found = crossval(
        "data=iris", "model=mlp", "model.width=8", "by=group", "folds=2", "repeats=6", "metric=accuracy"
    )
    (own,) = found["configurations"]
    tests = {load_file(made() / str(number) / "splits.safetensors")["test"].numpy().tobytes() for number in range(12)}
    assert len(tests) == len(own["trials"]) == len(own["scores"]) == own["metrics"]["test/accuracy"]["count"] == 4
    expected = resampled(own["scores"], own["test_over_train"])
    assert expected.low is not None and expected.low < 0  # which an accuracy cannot be
    assert own["metrics"]["test/accuracy"]["low"] == 0


def test_configurations_are_compared_within_a_data_set(capsys: pytest.CaptureFixture[str]) -> None:
    _, found = crossval("data=iris,wine", "model=mlp", "model.width=2,8", "folds=3", "trainer.epochs=3")
    assert [(each["name"].split()[0], each["rank"]) for each in found["configurations"]][::2] == [
        ("iris", 1), ("wine", 1),
    ]  # fmt: skip
    assert all(each["name"].split()[0] == each["than"].split()[0] for each in found["comparisons"])
    assert len(found["comparisons"]) == 2 and found["sentence"].count("cross-validation: test/accuracy of") == 2
    for each, test in zip(found["configurations"][1::2], found["comparisons"], strict=True):
        assert each["tied"] == (test["p"] >= 0.05)
    stars = sum(each["best"] for each in found["configurations"])
    assert capsys.readouterr().out.count("*1") == stars == sum(test["p"] < 0.05 for test in found["comparisons"])


def test_folds_without_a_score_are_named_and_lower_the_count(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of three folds has a single class, for which ROC AUC is undefined."""
    grouped(monkeypatch, [place % 2 for place in range(100)] + [2] * 40 + [0, 1] * 5)
    _, found = crossval("data=iris", "model=logistic_regression", "by=group", "folds=3", "metric=roc_auc")
    (own,) = found["configurations"]
    known = [score for score in own["scores"] if score is not None]
    expected = resampled(known, own["test_over_train"])
    assert len(known) == own["metrics"]["test/roc_auc"]["count"] == 2
    assert own["metrics"]["test/roc_auc"]["low"] == pytest.approx(expected.low)
    (without,) = own["unscored"]
    assert own["scores"][without["fold"]] is None and own["metrics"]["test/accuracy"]["count"] == 3
    out = capsys.readouterr().out
    name = own["name"]
    assert (
        f"{name}: no test/roc_auc of trial {without['trial']}, fold {without['fold']}: undefined in this fold" in out
    )
    assert "(2/3)" in out and ", over 2 folds: 1 without a score" in found["sentence"]


def test_some_of_the_folds_that_agree_say_nothing_of_the_spread() -> None:
    """Equal scores of three of five folds are not reported as 1 ± 0."""
    of_three, of_five = _summary("test/loss", [1.0] * 3, 0.25, 5), _summary("test/loss", [1.0] * 5, 0.25, 5)
    assert of_three == {"mean": 1.0, "std": None, "low": None, "high": None, "count": 3}
    assert of_five["std"] == 0.0
    assert _summary("test/loss", [0.5, 1.0, 1.0], 0.25, 5)["std"] == pytest.approx(np.std([0.5, 1.0, 1.0], ddof=1))
