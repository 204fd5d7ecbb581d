"""A run that somebody sent builds, reads and runs nothing but what mlcli's own runs need."""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mlcli.cli.app import app
from mlcli.cli.training import main
from mlcli.config.errors import ConfigError
from mlcli.run import user_configs as own
from mlcli.run.load import load_model, load_run, stored_config
from mlcli.run.trust import EVALUATION, GROUPS, PREDICTION, trusted
from mlcli.serve.pyfunc import _load_pyfunc
from mlcli.store.folder import RunFolder
from mlcli.system import cores

EVENTS: list[tuple[str, Any]] = []  # while it is watched
FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect", "socket.getaddrinfo")
watched = False


def _hook(event: str, arguments: Any) -> None:
    if watched and event in FORBIDDEN:
        EVENTS.append((event, arguments))


sys.addaudithook(_hook)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network's run called `network`, and an estimator's called `estimator`."""
    folder = tmp_path_factory.mktemp("trust") / "outputs" / "runs"
    for name, model in (("network", "mlp"), ("estimator", "logistic_regression")):
        arguments = [f"model={model}", f"name={name}", f"hydra.run.dir={folder / name}", "tracking.figures=false"]
        main(["-q", "data=xor", "trainer.epochs=1", "tracking=none", *arguments])
    return folder


@pytest.fixture
def evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An importable module that leaves a trace, and a secret; at the end there is no trace, process or connection."""
    global watched
    trace = tmp_path / "trace"
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "evilmodule.py").write_text(f"open({str(trace)!r}, 'w')\ndef build(*a, **k): pass\n")
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    monkeypatch.setenv("SECRET", "s3cret")
    monkeypatch.chdir(tmp_path)
    watched = True
    yield trace
    watched = False
    found = [*EVENTS]
    EVENTS.clear()
    assert not found
    assert not trace.exists()
    assert "evilmodule" not in sys.modules


def tampered(source: Path, target: Path, changes: dict[str, Any]) -> Path:
    """A copy of a run, with values put into both of its configs."""
    shutil.copytree(source, target)
    stored = target / "model" / "model.json"
    content = json.loads(stored.read_text())
    config = content["config"]
    for key, value in changes.items():
        *parents, name = key.split(".")
        node = config
        for parent in parents:
            node = node[parent]
        node[name] = value
    stored.write_text(json.dumps(content))
    (target / "config.yaml").write_text(json.dumps(config))  # which is YAML, too
    return target


SYSTEM = {"_target_": "os.system", "command": "touch trace"}
TRAIN = {"_target_": "mlcli.cli.training.main", "arguments": ["data._target_=os.system", "+data.command=touch trace"]}
DOWNLOAD = {
    "_target_": "mlcli.loading.download.download",
    "url": "file:///etc/hostname",
    "md5": "0",
    "folder": "/tmp/x",
}
PICTURE = {
    "_target_": "mlcli.figure.plot._write_png",
    "path": "trace",
    "figure": {"_target_": "mlcli.figure.text.sample", "prompt": "a", "text": "b", "temperature": 1.0},
}
ATTACKS: dict[str, tuple[dict[str, Any], str]] = {
    "a command of mlcli": ({"model": TRAIN}, "model._target_=mlcli.cli.training.main: not trusted"),
    "as data": ({"data": TRAIN}, "data._target_=mlcli.cli.training.main"),
    "a download": (
        {"data": DOWNLOAD},
        "data._target_=mlcli.loading.download.download: not trusted",
    ),
    "no data set": (
        {"data": {"_target_": "mlcli.data.gridworld.distances"}},
        "data._target_=mlcli.data.gridworld.distances: not trusted; this is not a data",
    ),
    "a download as model": ({"model": DOWNLOAD}, "model._target_=mlcli.loading.download.download"),
    "a program": ({"optimizer": SYSTEM}, "optimizer._target_=os.system"),
    "a foreign module": ({"scheduler": {"_target_": "evilmodule.build"}}, "scheduler._target_=evilmodule.build"),
    "nested": ({"model.inner": {"deep": SYSTEM}}, "model.inner.deep._target_=os.system"),
    "in a list": ({"task.parts": [[{"a": [SYSTEM]}]]}, "task.parts.a._target_=os.system"),
    "as argument": ({"model._args_": [SYSTEM]}, "model._args_._target_=os.system"),
    "hydra's own": ({"model.x": {"_target_": "hydra.utils.instantiate"}}, "model.x._target_=hydra.utils.instantiate"),
    "a builder": ({"model.x": {"_target_": "mlcli.run.build._call"}}, "mlcli.run.build._call"),
    "through a module": ({"model.x": {"_target_": "mlcli.model.mlp.nn.init.ones_"}}, "cannot be imported"),
    "a function beside": ({"model.x": {"_target_": "torch.nn.init.ones_"}}, "not a model"),
    "loading": ({"model.x": {"_target_": "torch.load"}}, "torch.load: not trusted"),
    "another kind": ({"optimizer._target_": "torch.nn.Linear"}, "optimizer._target_=torch.nn.Linear"),
    "elsewhere": ({"trainer.lr_scale": SYSTEM}, "trainer.lr_scale._target_=os.system"),
    "no dotted name": ({"model._target_": "mlcli.model./tmp/x.y"}, "not trusted"),
    "no text": ({"model._target_": ["os.system"]}, "model._target_"),
    "no target": ({"task": {}}, "task has no _target_"),
    "not recursive": ({"model._recursive_": False}, "model._recursive_=False"),
    "the environment": ({"name": "${oc.env:SECRET}"}, "interpolation"),
    "a resolver": ({"data.noise": "${oc.create:'{_target_: os.system}'}"}, "interpolation"),
    "an address": ({"data.path": "http://127.0.0.1:9/x"}, "data.path=http://127.0.0.1:9/x"),
    "a device": ({"data.path": "/dev/zero"}, "data.path=/dev/zero"),
    "what the kernel makes up": ({"data.path": "/proc/self/environ"}, "data.path=/proc/self/environ"),
    "a folder of devices": ({"data.folder": "/dev"}, "data.folder=/dev"),
    "a key as name": ({"data.${SECRET}": 1}, "interpolation"),
    "a metric that is called": ({"task.metric": PICTURE}, "task.metric._target_=mlcli.figure.plot._write_png"),
    "within a model": ({"model.metric": PICTURE}, "model.metric._target_=mlcli.figure.plot._write_png"),
    "a private metric": ({"task.metric": PICTURE | {"_partial_": True}}, "mlcli.figure.plot._write_png: not trusted"),
}
ESTIMATORS: dict[str, tuple[dict[str, Any], str]] = {
    "a cache": ({"model.estimator.memory": "/tmp/x"}, "model.estimator.memory=/tmp/x"),
    "a nested cache": ({"model.estimator.parts": [{"memory": "x"}]}, "model.estimator.parts.memory=x"),
    "a function": ({"model.estimator.scoring": {"_target_": "sklearn.datasets.fetch_openml"}}, "fetch_openml"),
    "instead": ({"model.estimator": {"_target_": "sklearn.utils._testing._delete_folder"}}, "_delete_folder"),
    "partial": ({"model.estimator._partial_": True}, "model.estimator._partial_=True"),
    "a network": ({"model.estimator.loss": {"_target_": "torch.nn.Linear"}}, "torch.nn.Linear"),
    "an optimizer": ({"model.estimator": {"_target_": "torch.optim.SGD"}}, "torch.optim.SGD"),
}
CASES = [("network", *case) for case in ATTACKS.values()] + [("estimator", *case) for case in ESTIMATORS.values()]
NAMES = [*ATTACKS, *ESTIMATORS]


@pytest.mark.parametrize(("source", "changes", "said"), CASES, ids=NAMES)
def test_nothing_is_built(
    runs: Path, tmp_path: Path, evil: Path, source: str, changes: dict[str, Any], said: str
) -> None:
    """By evaluate, and through the model folder, as predict, serve and the pyfunc load it: a part of the config that
    they build is refused, and any other part is left out."""
    run = tampered(runs / source, tmp_path / "sent", changes)
    errors = []
    for needed, load in (
        (GROUPS, lambda: stored_config(RunFolder(run), GROUPS)),
        (EVALUATION, lambda: load_run(RunFolder(run), stored_config(RunFolder(run)))),
        (PREDICTION, lambda: load_model(run / "model")),
    ):
        (key,) = changes
        left_out = {*GROUPS} - {*needed} | ({"task.metric"} if needed == PREDICTION else set())
        if any(key == each or key.startswith(f"{each}.") for each in left_out) and said != "interpolation":
            load()
        else:
            with pytest.raises(ConfigError) as error:
                load()
            errors.append(error)
    assert errors
    for error in errors:
        assert said in str(error.value)
        assert "\n" not in str(error.value)
        assert "s3cret" not in str(error.value)


@pytest.fixture
def sent(runs: Path, tmp_path: Path) -> Path:
    """Everything bad at once."""
    changes = {key: value for case, _ in list(ATTACKS.values())[:9] for key, value in case.items()}
    changes |= {"conclusion": {"_target_": "evilmodule.build"}, "pretrain": ["evil"]}
    return tampered(runs / "network", tmp_path / "sent", {k: v for k, v in changes.items() if "." not in k} | changes)


COMMANDS = {
    "evaluate": ["evaluate", "SENT"],
    "evaluate other data": ["evaluate", "SENT", "data=moons"],
    "predict": ["predict", "SENT", "in.json"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_commands_say_what_is_wrong(evil: Path, sent: Path, command: list[str]) -> None:
    Path("in.json").write_text("[[0, 1]]")
    done = CliRunner().invoke(app, [str(sent) if word == "SENT" else word for word in command])
    assert done.exit_code == 2, done.output
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "not trusted" in line


def test_serve(mlcli: Callable[..., Any], evil: Path, sent: Path, tmp_path: Path) -> None:
    global watched
    watched = False  # the process itself is started here
    done = mlcli("serve", str(sent), "--port", "0", cwd=tmp_path, PYTHONPATH=str(tmp_path / "lib"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "not trusted" in done.stderr.splitlines()[-1]


def test_the_pyfunc(evil: Path, sent: Path) -> None:
    with pytest.raises(ConfigError, match="not trusted"):
        _load_pyfunc(str(sent / "model"))


def test_looking_at_it_runs_nothing(evil: Path, sent: Path, runs: Path) -> None:
    shown = CliRunner().invoke(app, ["show", str(sent)])
    assert shown.exit_code == 0, shown.output
    assert "evilmodule.build" in shown.stdout
    compared = CliRunner().invoke(app, ["compare", str(sent), str(runs / "estimator")])
    assert compared.exit_code == 0, compared.output


@pytest.mark.parametrize("command", [["show"], ["compare", "RUN"], ["evaluate"]])
def test_a_secret_is_not_resolved(evil: Path, runs: Path, tmp_path: Path, command: list[str]) -> None:
    run = tampered(runs / "network", tmp_path / "sent", {"name": "${oc.env:SECRET}"})
    words = [str(runs / "network") if word == "RUN" else word for word in command]
    done = CliRunner().invoke(app, [*words, str(run)])
    assert done.exit_code == 2
    assert "interpolation" in done.stderr.splitlines()[-1]
    assert "s3cret" not in done.output


def test_syncing_it_runs_nothing(mlcli: Callable[..., Any], evil: Path, sent: Path, tmp_path: Path) -> None:
    global watched
    record = json.loads((sent / "run.json").read_text())
    record["tracking"]["name"] = "mlflow"
    (sent / "run.json").write_text(json.dumps(record))
    (tmp_path / "outputs" / "runs").mkdir(parents=True)
    sent.rename(tmp_path / "outputs" / "runs" / "sent")
    watched = False  # the process itself is started here
    done = mlcli("sync", cwd=tmp_path, PYTHONPATH=str(tmp_path / "lib"))
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "outputs" / "runs" / "sent" / ".mlflow.json").read_text())["complete"]


def test_what_is_never_built_from_a_stored_run(evil: Path, runs: Path, tmp_path: Path) -> None:
    """A conclusion, runs to train first, and weights to begin with: the run has its own."""
    pipe = tmp_path / "pipe.safetensors"
    os.mkfifo(pipe)  # reading it would never end
    changes = {"conclusion": {"_target_": "evilmodule.build"}, "pretrain": ["x"], "model.init_from": str(pipe)}
    run = tampered(runs / "network", tmp_path / "sent", changes)
    assert stored_config(RunFolder(run)).conclusion is None
    done = CliRunner().invoke(app, ["evaluate", str(run)])
    assert done.exit_code == 0, done.output
    assert load_model(run / "model").model is not None


def test_a_pipe_within_a_folder_of_data_is_not_read(evil: Path, runs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    os.mkfifo(folder / "train-images-idx3-ubyte.gz")
    changes = {"data": {"_target_": "mlcli.data.mnist.mnist", "folder": str(folder)}}
    with pytest.raises(ConfigError, match="neither a file nor a folder"):
        stored_config(RunFolder(tampered(runs / "network", tmp_path / "sent", changes)))


@pytest.mark.parametrize("threads", [100_000, -1, 0, True, "8", [2]])
def test_as_many_threads_as_there_are_cores(runs: Path, tmp_path: Path, threads: Any) -> None:
    """A hundred thousand end the process."""
    run = tampered(runs / "network", tmp_path / "sent", {"device.threads": threads})
    assert stored_config(RunFolder(run)).device.threads in (None, cores())
    assert load_model(run / "model").threads <= cores()


def config(**groups: Any) -> dict[str, Any]:
    targets = {
        "task": "mlcli.task.classification.Classification",
        "data": "mlcli.data.xor.xor",
        "model": "mlcli.model.mlp.MLP",
        "optimizer": "torch.optim.SGD",
        "scheduler": "mlcli.train.schedule.Constant",
    }
    return {group: {"_target_": target} for group, target in targets.items()} | groups


GOOD = {
    "layers": {"model": {"_target_": "torch.nn.Sequential", "_args_": [{"_target_": "torch.nn.Linear"}]}},
    "partial": {
        "model": {"_target_": "mlcli.model.mlp.MLP", "act": {"_target_": "torch.nn.ReLU", "_partial_": True}}
    },
    "torch's schedule": {"scheduler": {"_target_": "torch.optim.lr_scheduler.StepLR"}},
    "a loss": {"task": {"_target_": "mlcli.task.regression.Regression", "loss": {"_target_": "torch.nn.HuberLoss"}}},
    "a kernel": {
        "model": {
            "_target_": "mlcli.model.estimator.Estimator",
            "estimator": {
                "_target_": "sklearn.gaussian_process.GaussianProcessClassifier",
                "kernel": {"_target_": "sklearn.gaussian_process.kernels.RBF", "length_scale": 2.0},
            },
        }
    },
    "a pipeline": {
        "model": {
            "_target_": "mlcli.model.estimator.Estimator",
            "estimator": {
                "_target_": "sklearn.pipeline.Pipeline",
                "steps": [["scale", {"_target_": "sklearn.preprocessing.StandardScaler"}]],
                "memory": None,
            },
        }
    },
}


@pytest.mark.parametrize("groups", GOOD.values(), ids=GOOD)
def test_trusted(groups: dict[str, Any]) -> None:
    assert trusted(config(**groups), "run")["model"] == config(**groups)["model"]


def own_package(folder: Path, name: str) -> None:
    (folder / f"{name}.py").write_text(
        "import subprocess\nfrom subprocess import run\nfrom torch import nn\n"
        "class Net(nn.Module): pass\nclass Other: pass\ndef make(): return Net()\n"
    )


def test_a_user_can_trust_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For what is of the right kind and defined there."""
    own_package(tmp_path, "trustme")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match="MLCLI_TRUST=trustme"):
        trusted(config(model={"_target_": "trustme.Net"}), "run")
    assert "trustme" not in sys.modules
    monkeypatch.setenv("MLCLI_TRUST", "other,trustme")
    trusted(config(model={"_target_": "trustme.Net"}), "run")
    for name in ("trustme.Other", "trustme.run", "trustme.make"):
        with pytest.raises(ConfigError, match="this is not a model"):
            trusted(config(model={"_target_": name}), "run")


@pytest.mark.parametrize("name", ["Net", "make"])
def test_a_loss_of_a_trusted_package_is_a_module_or_a_function(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_package(tmp_path, "trustloss")
    monkeypatch.syspath_prepend(str(tmp_path))
    task = {"_target_": "mlcli.task.classification.Classification"}
    loss = config(task=task | {"loss": {"_target_": f"trustloss.{name}"}})
    with pytest.raises(ConfigError) as error:
        trusted(loss, "run")
    assert f"task.loss._target_=trustloss.{name}: not trusted" in str(error.value)
    assert str(error.value).endswith("; use MLCLI_TRUST=trustloss if you trust that package")
    monkeypatch.setenv("MLCLI_TRUST", "trustloss")
    trusted(loss, "run")
    with pytest.raises(ConfigError, match="this is not a loss"):
        trusted(config(task=task | {"loss": {"_target_": "trustloss.run"}}), "run")  # of the standard library


@pytest.mark.parametrize("target", ["os.system", "subprocess.Popen", "mlcli.cli.training.main", "builtins.eval"])
def test_no_message_proposes_to_trust_the_standard_library(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("", target.partition(".")[0]):
        monkeypatch.setenv("MLCLI_TRUST", value)
        with pytest.raises(ConfigError) as error:
            trusted(config(model={"_target_": target}), "run")
        assert "MLCLI_TRUST" not in str(error.value)


@pytest.mark.parametrize("where", ["conf/model/net.yaml", "conf/experiment/mine.yaml", "given/model/deep/net.yaml"])
def test_user_configs_are_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    monkeypatch.setattr(own, "_folders", [])
    (tmp_path / "lib").mkdir()
    own_package(tmp_path / "lib", "ownmodels")
    node = "_target_: ownmodels.Net\ninner: &inner {_target_: ownmodels.make}\nouter: *inner\n"
    text = f"model:\n  {node.replace(chr(10), chr(10) + '  ')}" if "experiment" in where else node
    Path(where).parent.mkdir(parents=True)
    Path(where).write_text(f"{text}\nbad: {{_target_: os.system}}\n")
    if where.startswith("given"):
        own.add_configs("given")
    trusted(config(model={"_target_": "ownmodels.Net", "inner": {"_target_": "ownmodels.make"}}), "run")
    for groups in (
        {"optimizer": {"_target_": "ownmodels.Net"}},
        {"model": {"_target_": "ownmodels.Other"}},
        {"model": {"_target_": "os.system"}},
    ):
        with pytest.raises(ConfigError, match="not trusted"):
            trusted(config(**groups), "run")


def test_a_folder_of_user_configs_is_an_option(
    evil: Path, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model beside its config is predictable without $MLCLI_TRUST."""
    monkeypatch.setattr(own, "_folders", [])
    (tmp_path / "lib" / "besides.py").write_text("from mlcli.model.mlp import MLP\nclass Mine(MLP): pass\n")
    (tmp_path / "mine" / "model").mkdir(parents=True)
    (tmp_path / "mine" / "model" / "mine.yaml").write_text("_target_: besides.Mine\n")
    run = tampered(runs / "network", tmp_path / "sent", {"model._target_": "besides.Mine"})
    Path("in.json").write_text("[[0, 1]]")
    for words in (
        ["evaluate", str(run)],
        ["evaluate", str(run), "split.seed=1", "data=moons"],
        ["predict", str(run), "in.json"],
    ):
        assert CliRunner().invoke(app, words).exit_code == 2
        monkeypatch.setattr(own, "_folders", [])
        done = CliRunner().invoke(app, [*words, "--config-dir", "mine"])
        assert done.exit_code == 0, done.output
        monkeypatch.setattr(own, "_folders", [])
    done = CliRunner().invoke(app, ["predict", str(run), "in.json", "--config-dir", "nowhere"])
    assert done.exit_code == 2 and "no such folder" in done.stderr


def test_what_is_stored_is_resolved(runs: Path) -> None:
    """So that nothing of ours is refused."""
    for path in (*runs.glob("*/config.yaml"), *runs.glob("*/model/model.json")):
        assert "${" not in path.read_text()
    for run in runs.iterdir():
        stored_config(RunFolder(run))


def test_who_reads_stored_configs_without_judging_them() -> None:
    """Those that show them, and plot_run, whose run was trained a moment ago. Whoever builds uses `stored_config`."""
    package = Path(own.__file__).parents[1]
    readers = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if re.search(r"\.config\(\)", path.read_text())
    }
    shown = {"store/stored_run.py", "run/plot_run.py", "cli/output.py", "cli/document.py"}
    assert readers <= {"run/load.py", "run/origin.py", "run/verify.py", *shown}
