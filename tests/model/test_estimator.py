"""scikit-learn's estimators as models, beside scikit-learn itself on the same split."""

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
import skops.io
import torch
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
from sklearn.metrics import confusion_matrix, f1_score, log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlcli.cli.training import main
from mlcli.model.estimator import Estimator
from mlcli.model.estimator_bytes import SAFE, _is_own
from mlcli.run.build import Parts, build
from mlcli.run.estimator import resolve_epochs
from mlcli.run.evaluate import evaluate_run
from mlcli.run.load import load_model
from tests.configs import run_config

READY = ("logistic_regression", "random_forest", "gradient_boosting", "svm", "knn")
TARGET = "model.estimator._target_="
QUICK = ["device=cpu", "tracking=none", "tracking.figures=false"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def built(*overrides: str) -> tuple[Parts, Any]:
    cfg = run_config("device=cpu", *overrides)
    resolve_epochs(cfg)
    return build(cfg), cfg


def trained(*overrides: str) -> Parts:
    parts, cfg = built(*overrides)
    for epoch in range(cfg.trainer.epochs):
        for batch in parts.task.batches(epoch):
            parts.task.step(batch)
    return parts


def arrays(parts: Parts, split: str) -> tuple[np.ndarray, np.ndarray]:
    rows = parts.data.splits[split]
    return parts.data.examples.inputs[rows].flatten(1).double().numpy(), parts.data.examples.targets[rows].numpy()


def normalised(parts: Parts, split: str) -> tuple[np.ndarray, np.ndarray]:
    ((inputs, targets),) = parts.task.loader.split(split)
    return inputs.double().numpy(), targets.numpy()


@pytest.mark.parametrize("model", READY)
def test_ready_models_equal_scikit_learns_own(model: str) -> None:
    parts, cfg = built("data=iris", f"model={model}")
    (batch,) = parts.task.batches(0)
    parts.task.step(batch)
    settings = dict(cfg.model.estimator)
    module, _, name = settings.pop("_target_").rpartition(".")
    kind = getattr(import_module(module), name)
    settings |= {"random_state": 0} if "random_state" in kind().get_params() else {}
    (train, targets), (test, answers) = normalised(parts, "train"), normalised(parts, "test")
    theirs = kind(**settings).fit(train, targets)
    evaluation = parts.task.evaluate("test", full=True)
    assert evaluation.metrics["accuracy"] == pytest.approx(theirs.score(test, answers), abs=1e-7)
    own = np.stack([evaluation.columns[f"probability/{name}"] for name in parts.data.classes], 1)
    assert (own.argmax(1) == theirs.predict(test)).all()
    if model != "svm":  # whose probabilities are the softmax of its decision values
        assert own == pytest.approx(theirs.predict_proba(test), abs=1e-5)
        assert evaluation.metrics["loss"] == pytest.approx(log_loss(answers, theirs.predict_proba(test)), rel=1e-4)


DIGITS_SVM = ("data=digits", "model=svm", "model.estimator.gamma=0.001", "split.normalise=false")


@pytest.mark.filterwarnings("ignore:The `probability` parameter was deprecated")
@pytest.mark.parametrize("settings", [(), ("+model.estimator.probability=true",)])
def test_the_predicted_class_is_the_estimators_own(settings: tuple[str, ...]) -> None:
    """SVC decides by votes between pairs of classes, on which its probabilities and decision values may disagree.
    scikit-learn's example: trained on the first half of digits, evaluated on the second."""
    parts, cfg = built(*DIGITS_SVM, *settings)
    half = len(parts.data) // 2
    splits = {"train": torch.arange(half), "val": torch.arange(10), "test": torch.arange(half, len(parts.data))}
    parts = build(cfg, replace(parts.data, splits=splits))
    (batch,) = parts.task.batches(0)
    parts.task.step(batch)
    test, answers = (torch.cat(tensors) for tensors in zip(*parts.task.loader.split("test"), strict=True))
    theirs = parts.model.estimator.predict(test.double().numpy())
    evaluation = parts.task.evaluate("test", full=True)
    assert parts.task.evaluate("test").metrics["accuracy"] == pytest.approx(0.96885, abs=1e-5)
    assert evaluation.metrics["accuracy"] == pytest.approx(0.96885, abs=1e-5)
    assert evaluation.metrics["f1_macro"] == pytest.approx(f1_score(answers, theirs, average="macro"))
    predictions = parts.predict(parts.data.examples.inputs[splits["test"]])
    for columns in (evaluation.columns, predictions):
        assert (columns["prediction"].astype(int) == theirs).all()
    probabilities = np.stack([predictions[f"probability/{name}"] for name in parts.data.classes], 1)
    assert (probabilities.argmax(1) != theirs).any()
    data = {plot.name: plot.data for plot in evaluation.plots()}
    assert data["confusion_matrix"]["counts"] == confusion_matrix(answers, theirs).tolist()
    mistakes = data["worst_mistakes"]
    assert [int(name) for name in mistakes["predicted"]] == theirs[mistakes["index"]].tolist()
    assert [int(name) for name in mistakes["true"]] == answers[mistakes["index"]].tolist()


def test_a_threshold_of_the_estimator_decides() -> None:
    settings = ("sklearn.model_selection.FixedThresholdClassifier", "+model.estimator.threshold=0.9")
    nested = "+model.estimator.estimator._target_=sklearn.linear_model.LogisticRegression"
    parts = trained("data=moons", "model=estimator", f"{TARGET}{settings[0]}", settings[1], nested)
    raw = parts.data.examples.inputs[parts.data.splits["test"]]
    found = parts.predict(raw)
    second = parts.data.classes[1]
    assert ((found["prediction"] == second) == (found[f"probability/{second}"] >= 0.9)).all()
    assert ((found[f"probability/{second}"] > 0.5) & (found["prediction"] != second)).any()
    evaluation = parts.task.evaluate("test", full=True)
    (boundary,) = [plot for plot in evaluation.plots() if plot.name == "decision_boundary"]
    assert boundary.data["accuracy"] == pytest.approx(float(evaluation.metrics["accuracy"]))


def test_regression_is_on_standardised_targets() -> None:
    target = f"{TARGET}sklearn.linear_model.Ridge"
    parts = trained("task=regression", "data=diabetes", "model=estimator", target, "+model.estimator.alpha=10")
    (train, targets), (test, _) = arrays(parts, "train"), arrays(parts, "test")
    theirs = make_pipeline(StandardScaler(), Ridge(alpha=10)).fit(train, (targets - targets.mean()) / targets.std())
    expected = theirs.predict(test) * targets.std() + targets.mean()
    own = parts.predict(parts.data.examples.inputs[parts.data.splits["test"]])["prediction"]
    assert own == pytest.approx(expected, rel=1e-4)


def test_one_that_learns_by_batches_takes_the_loops_own() -> None:
    target = f"{TARGET}sklearn.linear_model.SGDClassifier"
    overrides = ("data=iris", "model=estimator", target, "+model.estimator.loss=log_loss", "trainer.epochs=3")
    parts = trained(*overrides)
    theirs = SGDClassifier(loss="log_loss", random_state=0)
    for epoch in range(3):
        for inputs, targets in parts.task.batches(epoch):
            theirs.partial_fit(inputs.double().numpy(), targets.numpy(), classes=np.arange(3))
    assert parts.steps_per_epoch == 3
    np.testing.assert_array_equal(parts.model.estimator.coef_, theirs.coef_)
    once, _ = built(*overrides, "model.incremental=false")
    assert once.steps_per_epoch == 1 and len(list(once.task.batches(0))) == 1


def test_class_weights_are_weights_of_examples() -> None:
    parts = trained("data=breast_cancer", "model=logistic_regression", "trainer.class_weights=balanced")
    train, targets = arrays(parts, "train")
    theirs = LogisticRegression(class_weight="balanced", max_iter=1000)
    theirs.fit(StandardScaler().fit_transform(train), targets)
    assert parts.model.estimator.coef_ == pytest.approx(theirs.coef_, abs=1e-3)
    with pytest.raises(ValueError, match=r"takes no class weights: use trainer\.class_weights=null"):
        built("data=iris", "model=knn", "trainer.class_weights=balanced")


@pytest.mark.parametrize("model", [*READY, "estimator"])
def test_weights_put_back_predict_the_same(model: str) -> None:
    first, again = trained("data=iris", f"model={model}", "trainer.epochs=1"), built("data=iris", f"model={model}")[0]
    raw = first.data.examples.inputs
    state = first.task.state_dict()["model"]
    assert state["_extra_state"].dtype == torch.uint8
    assert not np.array_equal(*(each.predict(raw)["probability/setosa"] for each in (first, again)))
    again.task.load_state_dict({"model": {name: tensor.clone() for name, tensor in state.items()}})
    for name, column in first.predict(raw).items():
        np.testing.assert_array_equal(again.predict(raw)[name], column)


def test_without_probabilities_the_decision_values_decide() -> None:
    features = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    for targets in ((features[:, 0] > 0).long(), features.argmax(1)):
        classes = int(targets.max()) + 1
        model = Estimator((3,), classes, estimator=RidgeClassifier())
        model.fit(features, targets)
        assert (model(features).argmax(1).numpy() == model.estimator.predict(features.double().numpy())).all()


def test_a_class_that_is_not_among_the_examples_is_the_least_likely() -> None:
    features, targets = torch.randn(20, 2), torch.tensor([0, 2] * 10)
    model = Estimator((2,), 3, estimator=LogisticRegression())
    model.fit(features, targets)
    assert (model(features).softmax(1)[:, 1] < 1e-12).all()


def test_bytes_with_what_is_not_known_are_refused() -> None:
    unsafe = LogisticRegression()
    unsafe.coef_ = pickle.Unpickler  # stands for whatever somebody may have put there
    model = Estimator((2,), 2, estimator=LogisticRegression())
    with pytest.raises(ValueError, match=r"hold .*Unpickler, which is not known to be safe"):
        model.set_extra_state(torch.frombuffer(bytearray(skops.io.dumps(unsafe)), dtype=torch.uint8))
    assert all(hasattr(import_module(name.rpartition(".")[0]), name.rpartition(".")[2]) for name in SAFE)


def as_state(written: bytes) -> torch.Tensor:
    return torch.frombuffer(bytearray(written), dtype=torch.uint8)


def bomb() -> bytes:
    """A small archive with very large contents."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("schema.json", "w") as file:
        for _ in range(300):
            file.write(bytes(2**20))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (lambda: skops.io.dumps(Ridge()), "hold Ridge, and the config names LogisticRegression"),
        (lambda: skops.io.dumps([LogisticRegression()]), "hold list"),
        (lambda: b"nothing", "damaged"),
        (bomb, "would unpack to 314,572,800 bytes"),
    ],
)
def test_bytes_of_something_else_are_refused(written: Callable[[], bytes], said: str) -> None:
    model = Estimator((2,), 2, estimator=LogisticRegression())
    with pytest.raises(ValueError, match=said):
        model.set_extra_state(as_state(written()))


def test_of_another_package_only_its_own_classes_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the package has imported from elsewhere is not its own."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "otherkit.py").write_text(
        "from pickle import Unpickler\nfrom sklearn.linear_model import LogisticRegression\n"
        "class Part:\n    size = 3\nclass Mine(LogisticRegression):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    kit = import_module("otherkit")
    fitted = kit.Mine().fit([[0.0, 0.0], [1.0, 1.0]], [0, 1])
    fitted.part_ = kit.Part()
    model = Estimator((2,), 2, estimator=kit.Mine())
    model.set_extra_state(as_state(skops.io.dumps(fitted)))
    assert isinstance(model.estimator, kit.Mine) and model.estimator.part_.size == 3
    assert _is_own("otherkit.Part", "otherkit")
    assert not _is_own("otherkit.Unpickler", "otherkit")
    assert not _is_own("sklearn.svm.SVC", "sklearn")


def run() -> Path:
    return max(Path("outputs/runs").iterdir(), key=lambda path: path.stat().st_mtime_ns)


def result() -> dict[str, Any]:
    return dict(json.loads((run() / "result.json").read_text()))


def test_from_the_command_line_to_predictions(tmp_path: Path, mlcli: Callable[..., CompletedProcess[str]]) -> None:
    """A user's own estimator with its setting, in a process of its own, and its run loaded here."""
    target = f"{TARGET}sklearn.discriminant_analysis.LinearDiscriminantAnalysis"
    arguments = ["data=wine", "model=estimator", target, "+model.estimator.solver=lsqr", *QUICK]
    done = mlcli("train", *arguments, cwd=tmp_path)
    assert done.returncode == 0 and "LinearDiscriminantAnalysis · " in done.stderr, done.stderr
    assert result()["epochs"] == 1 and result()["metrics"]["test/accuracy"] > 0.9
    judged = evaluate_run("last", Path("outputs"), [], "test", None)
    assert judged["test/accuracy"] == result()["metrics"]["test/accuracy"]
    example = json.loads((run() / "model" / "example.json").read_text())
    columns = load_model(run() / "model").predict(torch.tensor(example["inputs"]["data"]))
    assert list(columns["prediction"]) == [row[0] for row in example["outputs"]["data"]]


def test_beside_networks_in_a_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([*QUICK, "-m", "data=iris", "model=linear,knn", "trainer.epochs=2", "trainer.seed=0,1", "optimizer.lr=0.1"])
    told = capsys.readouterr()
    assert "2 trials one by one: models that are not trained by gradient descent do not stack" in told.err
    (sweep,) = Path("outputs/sweeps").iterdir()
    epochs = [json.loads((sweep / str(n) / "result.json").read_text())["epochs"] for n in range(4)]
    assert sorted(epochs) == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["model=knn", "optimizer.lr=0.1"], "optimizer.lr=0.1 has no effect"),
        (["model=knn", "optimizer=sgd"], "optimizer=sgd has no effect"),
        (["model=knn", "trainer.patience=3"], "trainer.patience=3 has no effect"),
        (["model=knn", "task.mixup=0.1"], "task.mixup=0.1 has no effect"),
        (["model=knn", "model.estimator.n_neighbors=-1"], "'n_neighbors' parameter of KNeighborsClassifier must be"),
        (["model=knn", "+model.estimator.neighbours=1"], "There is no model.estimator.neighbours"),
        (["model=knn", "model.incremental=true"], "KNeighborsClassifier cannot learn batch by batch"),
        (["model=estimator", f"{TARGET}sklearn.svm.SVCC"], "cannot be imported"),
        (["model=estimator", f"{TARGET}sklearn.linear_model.Ridge"], "Ridge is not a classifier"),
        (["model=estimator", f"{TARGET}collections.UserDict"], "UserDict is not a scikit-learn estimator"),
        (
            ["model=knn", "task=regression", "data=diabetes"],
            "use the _target_ of one, as in model.estimator._target_=sklearn.neighbors.KNe",
        ),
        (["model=mlp_numpy", "optimizer.lr=0.1"], "use settings of model"),
        (["model=knn", "task=multi_label"], "use task=classification|regression"),
        (["model=knn", "data=surnames"], "use model="),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], wanted: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*QUICK, "data=iris", *arguments] if "data=" not in str(arguments) else [*QUICK, *arguments])
    told = capsys.readouterr().err
    assert ended.value.code == 2 and wanted in told and told.count("\n") == 1, told
    assert not Path("outputs/runs").exists()


def test_another_number_of_epochs_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([*QUICK, "data=iris", "model=knn", "trainer.epochs=7"])
    assert "trainer.epochs=7: this model is fitted in one epoch" in capsys.readouterr().err
    assert "epochs: 1\n" in (run() / "config.yaml").read_text()


def test_the_best_epoch_is_kept_though_what_is_learnt_grows() -> None:
    main([*QUICK, "data=wine", "model=estimator", "trainer.epochs=3", "trainer.monitor=val/accuracy"])
    assert result()["epochs"] == 3 and len((run() / "metrics.jsonl").read_text().splitlines()) == 3
    judged = evaluate_run("last", Path("outputs"), [], "val", None)
    assert judged["val/loss"] == pytest.approx(result()["metrics"]["val/loss"])


def test_gradients_that_there_are_none_of_cannot_be_watched() -> None:
    with pytest.raises(ValueError, match=r"use trainer\.layer_statistics=false"):
        built("data=iris", "model=knn", "trainer.layer_statistics=true")
