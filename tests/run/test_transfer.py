"""Networks that begin with weights from elsewhere, and networks that learn in part."""

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from safetensors.torch import save_file

from mlcli.cli.training import main
from mlcli.config.errors import ConfigError
from mlcli.model.cnn import CNN
from mlcli.model.resnet import ResNet18
from mlcli.run.build import Parts, build
from mlcli.run.evaluate import evaluate_run
from mlcli.serve.predictor import Predictor
from tests.configs import run_config

CNN4 = ["model=cnn", "model.width=4", "device=cpu"]


def parts_of(*overrides: str) -> Parts:
    return build(run_config(*CNN4, *overrides))


def network(outputs: int = 10, seed: int = 9) -> CNN:
    torch.manual_seed(seed)
    return CNN((1, 8, 8), outputs, width=4)


def steps(parts: Parts, epochs: int = 1) -> None:
    for epoch in range(epochs):
        for batch in parts.task.batches(epoch):
            parts.task.step(batch)


def train(*overrides: str) -> Path:
    """The folder of the run (or of the first trial of the sweep) that has ended last."""
    main(["-q", *CNN4, "trainer.epochs=1", "tracking=none", "sweep.figures=0", "tracking.figures=false", *overrides])
    return max(Path("outputs").glob("*/*/config.yaml"), key=lambda path: path.stat().st_mtime_ns).parent


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_goes_on_from_another_and_needs_it_no_more(scratch: Path) -> None:
    first = train("name=first")
    second = train("model.init_from=last", "model.freeze=blocks.*", "optimizer.lr=0")
    assert f"init_from: {first.absolute()}" in (second / "config.yaml").read_text()
    report = json.loads((second / "transfer.json").read_text())
    assert report["source"] == first.name and report["unused"] == []
    assert len(report["tensors"]) == 14 and all(each["loaded"] for each in report["tensors"])

    before, after = (json.loads((run / "result.json").read_text())["metrics"] for run in (first, second))
    assert after["test/loss"] == pytest.approx(before["test/loss"], rel=1e-5)
    shutil.rmtree(first)
    again = evaluate_run(str(second), Path("outputs"), [], "test", None)
    assert again["test/loss"] == pytest.approx(after["test/loss"], rel=1e-6)
    example = json.loads((second / "model" / "example.json").read_text())
    answers = Predictor(second / "model").predict(torch.tensor(example["inputs"]["data"]).numpy())
    assert list(answers["prediction"]) == [row[0] for row in example["outputs"]["data"]]
    with pytest.raises(SystemExit):
        train("model.init_from=first")


def test_every_trial_of_a_stack_begins_so(scratch: Path) -> None:
    first = train("name=first")
    same = ["model.init_from=first", "model.freeze=blocks.*", "optimizer.lr=0"]
    sweep = train("-m", *same, "trainer.seed=1,2", "hydra/launcher=stack")
    losses = [json.loads((sweep / n / "result.json").read_text())["metrics"]["test/loss"] for n in "01"]
    assert losses == [pytest.approx(losses[0])] * 2
    for n in "01":
        assert json.loads((sweep / n / "transfer.json").read_text())["source"] == first.name


def test_other_classes_get_a_head_of_their_own(scratch: Path) -> None:
    """As many of them: the shapes are equal."""
    first = train("split.classes=[0,1,2,3,4]")
    parts = parts_of("split.classes=[5,6,7,8,9]", f"model.init_from={first}")
    assert parts.transferred is not None and parts.transferred.not_loaded == ["head.weight", "head.bias"]
    same = parts_of("split.classes=[0,1,2,3,4]", f"model.init_from={first}")
    assert same.transferred is not None and same.transferred.not_loaded == []


def test_what_is_trained_first(scratch: Path) -> None:
    """The same config but for what pretrain says; once for all trials, which then name its folder."""
    ask = ["-m", "trainer.seed=1,2", "optimizer.lr=0.01", "pretrain=['name=before','trainer.batch_size=64']"]
    sweep = train(*ask, "model.init_from=pretrained", "name=after")
    (before,) = Path("outputs/runs").iterdir()
    assert json.loads((before / "run.json").read_text())["name"] == "before"
    config = OmegaConf.load(before / "config.yaml")
    assert (config.trainer.batch_size, config.optimizer.lr, config.model.init_from) == (64, 0.01, None)
    for n in "01":
        trial = OmegaConf.load(sweep / n / "config.yaml")
        assert trial.model.init_from == trial.pretrain == str(before.absolute())
        assert trial.trainer.batch_size == 32
    again = train(f"pretrain={before}", "model.init_from=pretrained")
    assert len(list(Path("outputs/runs").iterdir())) == 2
    assert json.loads((again / "transfer.json").read_text())["source"] == before.name


def test_a_head_of_other_shape_stays_as_initialised(scratch: Path) -> None:
    source = network(outputs=7)
    save_file(source.state_dict(), "weights.safetensors")
    parts, fresh = parts_of("model.init_from=weights.safetensors"), parts_of()
    assert torch.equal(parts.model.blocks[1].convolution.weight, source.blocks[1].convolution.weight)
    assert torch.equal(parts.model.head.weight, fresh.model.head.weight)
    assert parts.transferred is not None and not parts.transferred.leaves_more_than_head
    assert parts.transferred.line() == (
        "weights of weights.safetensors: 12 of 14 tensors; as initialised: head.weight 10×32 (there 7×32), "
        "head.bias 10 (there 7)"
    )


def test_a_file_of_torchvisions(scratch: Path) -> None:
    """ResNet18's own names (see tests/model/test_resnet.py), its head called fc, saved by torch.save."""
    theirs = ResNet18((3, 8, 8), 10, width=4)
    torch.save({n.replace("head.", "fc."): t for n, t in theirs.state_dict().items()}, "resnet18.pth")
    options = ["model=resnet18", "device=cpu", "model.width=4", "model.init_from=resnet18.pth"]
    parts = build(run_config(*options))
    loaded = parts.model.state_dict()
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(loaded[name], tensor) == (name != "conv1.weight"), name
    assert parts.transferred is not None and parts.transferred.leaves_more_than_head  # grey images have one channel
    assert parts.transferred.not_loaded == ["conv1.weight"]
    assert "conv1.weight 4×1×7×7 (there 4×3×7×7)" in parts.transferred.line()


def test_what_is_frozen_does_not_move(scratch: Path) -> None:
    parts = parts_of("model.freeze=blocks.0.*", "optimizer.weight_decay=0.1")
    before = {name: tensor.clone() for name, tensor in parts.model.state_dict().items()}
    steps(parts, 2)
    parts.task.evaluate("val")
    steps(parts)
    for name, tensor in parts.model.state_dict().items():
        assert torch.equal(tensor, before[name]) == name.startswith("blocks.0."), name
    assert all(p.grad is None for p in parts.model.blocks[0].parameters())
    optimized = {id(p) for group in parts.task.update.optimizer.param_groups for p in group["params"]}
    assert optimized == {id(p) for n, p in parts.model.named_parameters() if not n.startswith("blocks.0.")}


def test_training_goes_on_bit_for_bit(scratch: Path) -> None:
    save_file(network().state_dict(), "weights.safetensors")
    options = ["model.init_from=weights.safetensors", "model.freeze=[blocks.0.*,*.bias]"]
    straight, resumed = parts_of(*options), parts_of(*options)
    steps(straight)
    resumed.task.load_state_dict(copy.deepcopy(straight.task.state_dict()))
    for parts in (straight, resumed):
        steps(parts)
    for name, tensor in straight.model.state_dict().items():
        assert torch.equal(tensor, resumed.model.state_dict()[name]), name


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["model.freeze=block.*"], "no parameter matches block.*. Choices: blocks.0.convolution.weight, "),
        (["model.freeze=[blocks.*,hed.*]"], "no parameter matches hed.*"),
        (["model.freeze=*"], "nothing is left to train"),
        (["model.init_from=nothing.pth"], "cannot be read"),
        (["model.init_from=broken.safetensors"], "cannot be read"),
        (["model.init_from=code.pth"], "not a plain state dict"),
        (["model.init_from=list.pth"], "is not a state dict"),
        (["model.init_from=other.pth"], "no tensor has a name and shape of this network. It has blocks.0.conv"),
        (["model.init_from=nobody"], "There is no run"),
        (["model.init_from=pretrained"], "There is no run"),
    ],
)
def test_what_cannot_be_says_why(scratch: Path, overrides: list[str], words: str) -> None:
    Path("broken.safetensors").write_bytes(b"{}")
    torch.save(Unknown(), "code.pth")
    torch.save([1, 2], "list.pth")
    torch.save({"layer.weight": torch.ones(2, 2)}, "other.pth")
    with pytest.raises(ConfigError) as error:
        parts_of(*overrides)
    assert words in str(error.value)


class Unknown:
    """Of a class that only a pickle could bring."""


@pytest.mark.parametrize(("key", "value"), [("init_from", 3), ("freeze", 2), ("freeze", [1])])
def test_values_of_another_type(key: str, value: Any, scratch: Path) -> None:
    from mlcli.config.check import check

    cfg = run_config()
    cfg.model[key] = value
    with pytest.raises(ConfigError, match=rf"model\.{key}=.*: must be "):
        check(cfg)
