"""trainer.layer_statistics: gradients against a backward pass, alone against in a stack, and no side effects."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mlcli.cli.training import main
from mlcli.run.build import Parts, build
from mlcli.run.plots import layer_plots
from mlcli.run.stacked import stack_of
from mlcli.train.layer_statistics import layer_statistics
from tests.configs import run_config

SMALL = {
    "mlp": ["model=mlp", "model.width=8", "model.dropout=0.5", "model.norm=batch_norm"],
    "cnn": ["model=cnn", "model.width=4"],
    "lstm": ["model=lstm", "model.hidden_size=4"],
    "gru": ["model=gru", "model.hidden_size=4"],
    "transformer": ["model=transformer", "model.d_model=8", "model.layers=1", "model.pooling=class_token"],
    "gpt": ["model=gpt", "model.width=8", "model.layers=1"],
}


def parts_of(*overrides: str) -> Parts:
    return build(run_config("device=cpu", *overrides))


def test_gradients_are_those_of_a_backward_pass_and_activations_those_of_a_forward_pass() -> None:
    parts = parts_of("data=iris", *SMALL["mlp"])
    task: Any = parts.task
    found = layer_statistics(task)
    layers = ["hidden.0.linear", "hidden.0.norm", "hidden.1.linear", "hidden.1.norm", "head"]
    assert [name for name in found if name.startswith("gradient_norm/")] == [f"gradient_norm/{n}" for n in layers]
    assert "activation_std/hidden.0.activation" in found and "activation_std/hidden.0.dropout" not in found
    task.model.eval()
    inputs, targets = (tensor[:32] for tensor in next(iter(task.loader.split("train"))))
    task.loss(inputs, targets).backward()
    linear = task.model.hidden[0].linear
    assert float(found["gradient_norm/hidden.0.linear"]) == pytest.approx(float(linear.weight.grad.norm()), rel=1e-5)
    outputs = linear(inputs).detach()
    assert float(found["activation_mean/hidden.0.linear"]) == pytest.approx(float(outputs.mean()), rel=1e-4)
    assert float(found["activation_std/hidden.0.linear"]) == pytest.approx(float(outputs.std(correction=0)), rel=1e-4)


@pytest.mark.parametrize("overrides", SMALL.values(), ids=SMALL.keys())
def test_a_stack_sees_what_each_trial_alone_would_see(overrides: list[str]) -> None:
    made = [parts_of("data=digits", f"trainer.seed={seed}", *overrides) for seed in (0, 1)]
    alone = [layer_statistics(parts.task) for parts in made]
    together = stack_of(made).layer_statistics()
    assert sorted(together) == sorted(alone[0])
    for name, numbers in together.items():
        assert numbers == pytest.approx([float(each[name]) for each in alone], rel=1e-4, abs=1e-6), name


@pytest.mark.parametrize("trials", [[], ["-m", "trainer.seed=0,1", "hydra/launcher=stack", "sweep.figures=0"]])
def test_training_goes_on_as_if_nobody_had_looked(
    trials: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dropout and noise draw the same numbers, running statistics stay, and the metrics are in the journal."""
    monkeypatch.chdir(tmp_path)
    quick = ["-q", "tracking=none", "device=cpu", "data=iris", "trainer.epochs=3", "task.noise=0.1", *SMALL["mlp"]]
    for name in ("off", "on"):
        place = f"hydra.sweep.dir={name}" if trials else f"hydra.run.dir={name}/0"
        main([*quick, *trials, f"trainer.layer_statistics={name == 'on'}", place, "tracking.figures=false"])
    off, on = (load_file(tmp_path / name / "0" / "last.safetensors") for name in ("off", "on"))
    assert all(torch.equal(off[name], on[name]) for name in off)
    seen, unseen = ((tmp_path / name / "0" / "metrics.jsonl").read_text().splitlines() for name in ("on", "off"))
    assert all(math.isfinite(json.loads(line)["metrics"]["gradient_norm/head"]) for line in seen) and len(seen) == 3
    assert not any("hidden" in line for line in unseen)


def test_figures_show_what_was_recorded(tmp_path: Path) -> None:
    metrics = {"gradient_norm/a": 1.0, "gradient_norm/b": 0.0, "activation_mean/a": -1.0, "activation_std/a": 2.0}
    history = [{"epoch": epoch, "step": epoch, "metrics": metrics} for epoch in (1, 2)]
    flow, activations = layer_plots(history)
    assert (flow.name, activations.name) == ("gradient_flow", "activations")
    assert flow.data["maps"][0]["values"] == [[1.0, 1.0], [0.0, 0.0]]
    for plot in (flow, activations, *layer_plots(history[:1])):
        plot.save(tmp_path)
    assert layer_plots([]) == layer_plots([{"epoch": 1, "step": 1, "metrics": {"val/loss": 1.0}}]) == []
