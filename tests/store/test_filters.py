"""Filters of `mlcli runs` and `mlcli compare`, and the columns that runs are sorted by."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlcli.config.errors import ConfigError
from mlcli.store.compare import differences, runs_to_compare
from mlcli.store.filters import matching
from mlcli.store.find import all_runs, find
from mlcli.store.query import listing, query

MLP = {"_target_": "mlcli.model.mlp.MLP", "width": 128}
SVM = {"_target_": "mlcli.model.estimator.Estimator", "estimator": {"_target_": "sklearn.svm.SVC"}}
SGD = {"_target_": "torch.optim.SGD", "lr": 0.1, "momentum": 0.9}


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """A run by name for each case, in the order of their starts."""

    def make(path: str, name: str, options: dict[str, str], config: dict[str, Any], **more: Any) -> None:
        folder = tmp_path / path
        folder.mkdir(parents=True)
        started = float(len(list(tmp_path.rglob("config.yaml"))))
        sweep = "sweeps" in path and path.count("/") == 1
        record = {"id": "-".join(path.split("/")[1:]), "name": name, "status": "FINISHED", "started": started}
        record |= {"ended": started + 1, "pid": 1, "host": "h", "command": "mlcli train", "parent": None, "swept": {}}
        record |= ({"format": 2, "options": options} if options else {}) | more
        (folder / ("sweep.json" if sweep else "run.json")).write_text(json.dumps(record))
        base = {"trainer": {"seed": 0, "batch_size": 32, "monitor": "val/loss"}, "split": {"seed": 0}}
        (folder / "config.yaml").write_text(yaml.safe_dump(base | config))

    adam = {"_target_": "torch.optim.Adam", "lr": 0.002}
    make("runs/20260101-000000-aaaa0000", "mlp-digits", {"model": "mlp", "optimizer": "adam"},
         {"model": MLP, "optimizer": adam})  # fmt: skip
    make("runs/20260101-000000-aaaa0001", "svc-iris", {"model": "svm", "optimizer": "adam"},
         {"model": SVM, "optimizer": adam})  # fmt: skip
    make("runs/20260101-000000-aaaa0002", "mlp-momentum", {"model": "mlp", "optimizer": "momentum"},
         {"model": MLP, "optimizer": SGD})  # fmt: skip
    make("runs/20260101-000000-aaaa0003", "old", {}, {"model": MLP, "optimizer": SGD})
    (tmp_path / "runs/20260101-000000-aaaa0003/overrides.yaml").write_text("[optimizer=momentum, trainer.seed=0]")
    make("sweeps/20260102-000000-bbbb0000", "sweep over model, optimizer.lr", {"model": "mlp", "optimizer": "adam"},
         {"model": MLP, "optimizer": adam})  # fmt: skip
    for number, (model, lr) in enumerate((("mlp", 0.01), ("lstm", 0.3))):
        make(f"sweeps/20260102-000000-bbbb0000/{number}", f"model={model} lr={lr}",
             {"model": model, "optimizer": "adam"}, {"model": MLP, "optimizer": adam | {"lr": lr}},
             parent="20260102-000000-bbbb0000", trial=number, swept={"model": model, "optimizer.lr": lr})  # fmt: skip
    return tmp_path


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (["model=svm"], {"svc-iris"}),
        (["model=SVM"], {"svc-iris"}),
        (["optimizer=momentum"], {"mlp-momentum", "old"}),  # old: by what was typed
        (["optimizer=sgd", "old"], set()),
        (["model=lstm"], {"model=lstm lr=0.3", "sweep over model, optimizer.lr"}),
        (["lr=0.01"], {"model=mlp lr=0.01", "sweep over model, optimizer.lr"}),
        (["lr=1e-2", "model=mlp"], {"model=mlp lr=0.01", "sweep over model, optimizer.lr"}),
        (["optimizer.lr=0.002"], {"mlp-digits", "svc-iris"}),  # not the sweep, which has no trial with it
        (["lr=0.1", "lr=0.3"], {"mlp-momentum", "old", "model=lstm lr=0.3", "sweep over model, optimizer.lr"}),
        (["batch_size=32", "model=svm"], {"svc-iris"}),
        (["momentum=0.9"], {"mlp-momentum", "old"}),
        (["width=64"], set()),
        (["parent=bbbb0000"], {"model=mlp lr=0.01", "model=lstm lr=0.3"}),
        (["trial=1"], {"model=lstm lr=0.3"}),
        (["model=gru"], set()),  # an option that no run has chosen
    ],
)
def test_filters_by_choice_key_and_short_name(outputs: Path, filters: list[str], names: set[str]) -> None:
    assert {row["name"] for row in query(outputs, filters, "started")} == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lrr=1", r"^no run has lrr\. Did you mean lr\?$"),
        ("optimizer.lrr=1", r"^no run has optimizer\.lrr\. Did you mean optimizer\.lr\?$"),
        ("learning_rate=0.1", r"^no run has learning_rate\. Did you mean optimizer\.lr\?$"),
        ("dataset=iris", r"^no run has dataset\. Did you mean data\?$"),
        ("seconds=1", r"^no run has seconds\. It is a column: use --sort seconds\.$"),
        ("model=svmm", r"^model=svmm: there is no such option\. Did you mean svm\? Choices: "),
        ("optimizer=momentun", "Did you mean momentum"),
        ("seed=0", r"^seed is ambiguous: use split\.seed or trainer\.seed\.$"),
        ("status=finnished", "there is no such status. Did you mean FINISHED"),
    ],
)
@pytest.mark.parametrize("others", [[], ["model=mlp"]])
def test_what_no_run_can_have_is_an_error(outputs: Path, text: str, message: str, others: list[str]) -> None:
    with pytest.raises(ConfigError, match=message):
        query(outputs, [*others, text], "started")


@pytest.mark.parametrize(
    ("sort", "column", "values"),
    [
        ("lr", "optimizer.lr", ["0.002", "0.002", "0.01", "0.1", "0.1", "0.3", None]),
        ("-optimizer.lr", "optimizer.lr", ["0.3", "0.1", "0.1", "0.01", "0.002", "0.002", None]),
        ("model", "model", ["lstm", "lstm, mlp", *["mlp"] * 4, "svm"]),
        ("seconds", "seconds", [1.0] * 7),
    ],
)
def test_runs_are_sorted_by_settings(outputs: Path, sort: str, column: str, values: list[Any]) -> None:
    """Runs without a value are last in either order; that of a sweep over the setting is none."""
    found = listing(outputs, [], sort)
    assert (found.column, found.values) == (column, values)


def test_a_column_of_several_keys_is_an_error(outputs: Path) -> None:
    with pytest.raises(ConfigError, match=r"^seed is ambiguous: use split\.seed or trainer\.seed\.$"):
        listing(outputs, [], "seed")


def test_a_filter_stands_for_the_newest_run(outputs: Path) -> None:
    assert find("model=svm", outputs).record["name"] == "svc-iris"
    assert find("model=mlp optimizer=adam", outputs).record["trial"] == 0
    assert find("model=mlp lr=0.01", outputs).record["trial"] == 0  # a name comes before a filter
    with pytest.raises(ConfigError, match="no run has lrr"):
        find("lrr=1", outputs)
    with pytest.raises(ConfigError, match="There is no run 'lr=7'"):
        find("lr=7", outputs)


def test_filters_select_what_is_compared(outputs: Path) -> None:
    def names(*texts: str) -> list[str]:
        return [run.record["name"] for run in runs_to_compare(list(texts), outputs)]

    assert names("model=svm", "model=lstm") == ["model=lstm lr=0.3", "svc-iris"]
    assert names("model=mlp lr=0.01", "model=lstm lr=0.3") == ["model=mlp lr=0.01", "model=lstm lr=0.3"]
    assert names("svc-iris", "optimizer=momentum") == ["svc-iris", "old", "mlp-momentum"]
    assert names("bbbb0000", "model=lstm lr=0.3") == ["model=mlp lr=0.01", "model=lstm lr=0.3"]  # each once


def test_a_sweep_is_removed_only_if_all_of_its_trials_match(outputs: Path) -> None:
    def sweeps(*filters: str) -> list[bool]:
        return [run.is_sweep for run in matching(all_runs(outputs), filters, whole_sweeps=True) if run.is_sweep]

    assert sweeps("model=lstm") == sweeps("lr=0.3") == []
    assert sweeps("model=lstm", "model=mlp") == sweeps("optimizer=adam") == sweeps("lr=0.3", "lr=0.01") == [True]


def test_differences_name_what_was_chosen(outputs: Path) -> None:
    rows = differences(runs_to_compare(["mlp-digits", "mlp-momentum"], outputs))
    assert rows["optimizer"] == ["adam", "momentum"] and "optimizer._target_" not in rows
    assert rows["optimizer.lr"] == [0.002, 0.1] and "model.width" not in rows


def test_old_runs_without_choices_are_found_by_class(outputs: Path, make_old: Callable[[str], None]) -> None:
    make_old("model: {_target_: mlcli.model.lstm.LSTM}\n")
    assert [row["name"] for row in query(outputs, ["model=lstm", "name=older"], "started")] == ["older"]


@pytest.fixture
def make_old(outputs: Path) -> Callable[[str], None]:
    def make(config: str) -> None:
        folder = outputs / "runs" / "20250101-000000-cccc0000"
        folder.mkdir()
        record = {"id": folder.name, "name": "older", "status": "FINISHED", "started": 0.0, "command": "mlcli train"}
        (folder / "run.json").write_text(json.dumps(record | {"pid": 1, "host": "h", "parent": None}))
        (folder / "config.yaml").write_text(config)

    return make
