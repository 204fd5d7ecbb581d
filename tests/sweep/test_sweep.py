"""Sweeps by other sweepers of Hydra: rounds of trials, a JobReturn per trial, and the final status."""

import copy
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

import hydra_plugins
from mlcli.data import iris
from mlcli.run.failure import RunFailed
from mlcli.store.folder import RunFolder
from tests import commands

QUICK = ["tracking=none", "data=iris", "model=mlp", "model.width=8", "trainer.epochs=2", "device=cpu", "-q"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sweep(*arguments: str, status: int = 0) -> Path:
    return commands.sweep([*QUICK, *arguments], status)


def record(folder: Path, name: str = "run.json") -> dict[str, Any]:
    return dict(json.loads((folder / name).read_text()))


class Descent(Sweeper):
    """A third-party sweeper: a first round, and a second around the best trial by return_value."""

    first: ClassVar[list[str]] = []
    at_once: ClassVar[bool] = True
    returned: ClassVar[list[JobReturn]] = []

    def __init__(self, params: dict[str, str] | None = None) -> None:
        """params: as sweepers have them; these are tried in `sweep`."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        self.fixed = [each for each in arguments if not each.startswith("optimizer.lr=")]
        scores = [(float(each.return_value), float(rate)) for each, rate in self.launch(self.first, 0)]
        _, best = min(scores)
        self.launch([f"{0.5 * best}", f"{2 * best}"], len(scores))

    def launch(self, rates: list[str], number: int) -> list[tuple[JobReturn, str]]:
        """Launches trials one by one, each numbered 0."""
        jobs = [[*self.fixed, f"optimizer.lr={rate}"] for rate in rates]
        if self.at_once:
            ended = list(self.launcher.launch(jobs, initial_job_idx=number))
        else:
            ended = [self.launcher.launch([job], initial_job_idx=0)[0] for job in jobs]
        self.returned.extend(ended)
        return list(zip(ended, rates, strict=True))


@pytest.fixture
def descent(monkeypatch: pytest.MonkeyPatch) -> type[Descent]:
    Descent.__module__ = "hydra_plugins.descent"  # Hydra takes plugins from there alone
    module = ModuleType(Descent.__module__)
    module.Descent = Descent  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(hydra_plugins, "descent", module, raising=False)
    Plugins.instance().register(Descent)
    node = {"_target_": "hydra_plugins.descent.Descent"}
    store = ConfigStore.instance()
    monkeypatch.setattr(store, "repo", copy.deepcopy(store.repo))  # other tests list what Hydra knows
    store.store(group="hydra/sweeper", name="descent", node=node)
    Descent.first, Descent.at_once = ["1e-4", "1e-2"], True
    Descent.returned.clear()
    return Descent


def test_a_sweeper_minimises_by_return_value_over_two_rounds(descent: type[Descent]) -> None:
    folder = sweep("hydra/sweeper=descent", "optimizer.lr=1e-4,1e-2")
    results = [json.loads((folder / number / "result.json").read_text())["metrics"]["val/loss"] for number in "0123"]
    assert [each.status for each in descent.returned] == [JobStatus.COMPLETED] * 4
    assert [each.return_value for each in descent.returned] == results
    assert [Path(each.working_dir or "").name for each in descent.returned] == ["0", "1", "2", "3"]
    rates = [RunFolder(folder / number).config().optimizer.lr for number in "0123"]
    assert rates == [1e-4, 1e-2, 5e-3, 2e-2]
    report = record(folder, "trials.json")
    assert [row["trial"] for row in report["trials"]] == [0, 1, 2, 3]
    assert [row["swept"] for row in report["trials"]] == [{"optimizer.lr": rate} for rate in rates]
    whole = record(folder, "sweep.json")
    assert whole["status"] == "FINISHED" and whole["trials"] == 4
    assert whole["best_trial"] == results.index(min(results))


def test_a_search_that_tries_one_at_a_time_keeps_what_it_varies(descent: type[Descent]) -> None:
    descent.first, descent.at_once = ["1e-2"], False
    folder = sweep("hydra/sweeper=descent", "optimizer.lr=interval(1e-4,1e-1)")
    rows = record(folder, "trials.json")["trials"]
    assert [row["swept"]["optimizer.lr"] for row in rows] == [0.01, 0.005, 0.02]
    assert [record(folder / number)["name"] for number in "012"] == ["lr=0.01", "lr=0.005", "lr=0.02"]


def test_a_failed_trial_returns_its_failure(descent: type[Descent]) -> None:
    """Reading return_value raises the failure. If the sweeper does not catch it, the sweep ends with a report."""
    descent.first = ["1e-2", "1e30"]
    folder = sweep("hydra/sweeper=descent", "optimizer=sgd", "optimizer.lr=1e-2,1e30", status=1)
    good, bad = descent.returned
    assert good.status == JobStatus.COMPLETED and bad.status == JobStatus.FAILED
    with pytest.raises(RunFailed, match=r"trial 1: loss is .* at step"):
        _ = bad.return_value
    assert record(folder, "sweep.json")["status"] == "FINISHED"
    assert [row["status"] for row in record(folder, "trials.json")["trials"]] == ["FINISHED", "FAILED"]


@pytest.mark.parametrize("strategy", ["stack", "serial"])
def test_a_sweep_whose_trials_all_failed_has_failed(strategy: str) -> None:
    folder = sweep("optimizer=sgd", "optimizer.lr=1e29,1e30", f"hydra/launcher={strategy}", status=1)
    whole = record(folder, "sweep.json")
    assert whole["status"] == "FAILED" and whole["reason"] == "none of 2 trials finished"


def test_sys_exit_in_a_trial_fails_that_trial_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls: 1 is the check before the sweep, 2 the first trial, 3 the second trial."""
    load = iris.iris
    calls: list[int] = []

    def leaves(*arguments: Any, **settings: Any) -> Any:
        calls.append(1)
        return sys.exit(3) if len(calls) == 3 else load(*arguments, **settings)

    monkeypatch.setattr(iris, "iris", leaves)
    folder = sweep("trainer.seed=0,1,2", "hydra/launcher=serial", status=1)
    assert [record(folder / number)["status"] for number in "012"] == ["FINISHED", "FAILED", "FINISHED"]
    assert record(folder / "1")["reason"] == "SystemExit: 3"
    assert record(folder, "sweep.json")["status"] == "FINISHED"
