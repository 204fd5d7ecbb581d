"""Stacked trials against the same trials alone, for all that conf/ holds; and one trial in stacks of any size."""

import random
from collections.abc import Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from mlcli.cannot_stack import CannotStack
from mlcli.config.compose import compose, hydra_session, shipped_conf
from mlcli.config.locate import locate
from mlcli.config.trials import TrialComposer
from mlcli.run.build import Parts, build
from mlcli.run.stacked import stack_of
from mlcli.train.loop import Epoch, Plan, Progress, fit, fit_trials
from mlcli.traits import model_traits

STEPS = 40  # more than an epoch of the digits, which has 34
SINGLE_STEPS = 12  # in float32, where rounding grows with every step
TRIALS = (
    ["optimizer.lr=0.001"],
    ["optimizer.lr=0.004", "trainer.seed=1"],
    ["optimizer.lr=0.002", "trainer.seed=2", "optimizer.weight_decay=0.01"],
)


FIXED = {
    "efficientnet_lite0",
    "minilm",
}  # what learns and stacks there is a linear layer, and the rest takes its time


def options(group: str) -> list[str]:
    """Names of the options; of models, those trained by gradient descent."""
    files = [path for path in (shipped_conf() / group).glob("*.yaml") if path.stem not in FIXED]
    return sorted(path.stem for path in files if group != "model" or is_trained_by_gradient(path))


def is_trained_by_gradient(path: Path) -> bool:
    model = locate(yaml.safe_load(path.read_text())["_target_"])
    traits = model_traits(model)
    return traits.trained_by is None and not traits.fitted


SMALL = {
    "mlp": ["model.width=16", "model.dropout=0.2"],
    "cnn": ["model.width=4", "model.dropout=0.2"],
    "cnn1d": ["model.width=4", "model.dropout=0.2"],
    "rnn": ["model.hidden_size=12"],
    "gru": ["model.hidden_size=12"],
    "lstm": ["model.hidden_size=12"],
    "attention": ["model.d_model=12"],
    "transformer": ["model.d_model=8", "model.heads=2", "model.layers=1", "model.dropout=0.2"],
    "gpt": ["model.width=8", "model.heads=2", "model.layers=1", "model.dropout=0.2"],
    "resnet": ["model.width=2", "model.dropout=0.2"],
    "vit": ["model.d_model=8", "model.heads=2", "model.layers=1", "model.dropout=0.2"],
    "resnet18": ["model.width=8"],
    "resnet34": ["model.width=8"],
    "resnet50": ["model.width=8"],
    "autoencoder": ["task=reconstruction", "task.noise=0.5", "model.width=16"],
    "conv_autoencoder": ["task=reconstruction", "task.mask=0.2", "model.width=4"],
    "vae": ["task=reconstruction", "model.width=16"],
    "tabm": ["model.members=3", "model.width=8", "model.bins=4", "model.embedding=2", "trainer.batch_size=32"],
    "realmlp": ["model.members=2", "model.width=8", "model.frequencies=2", "trainer.batch_size=32"],
}


# In float32 an activation within 1e-7 of ReLU's kink, or of another in its pool, now and then falls to the other
# side, and Adam makes a full step of it. So float32 is compared where functions are smooth, float64 as
# the config has it.
SMOOTH = {
    "mlp": ["model.activation=tanh"],
    "cnn": ["model.activation=tanh", "model.pooling=mean"],
    "cnn1d": ["model.activation=tanh", "model.pooling=mean", "model.norm=none"],
}
SMOOTH |= {name: ["model.activation=tanh"] for name in ("autoencoder", "conv_autoencoder", "vae", "tabm")}
SMOOTH |= {"realmlp": ["model.activation=mish"]}

# Layer norms of a stream that begins at 0.02 enlarge rounding fifty times over, and RMSprop's first steps are ten
# times the rate: in float32 whatever is added up in another order ends elsewhere, so float64 must tell, early on.
# Batch norms one after another enlarge it as well; in the deep ones they see 32 numbers each, and five steps are too
# many. Their layers are resnet's, which meets every optimizer and schedule: one of each will do.
DEEP = {"resnet18": 2, "resnet34": 2, "resnet50": 2}
CHAOTIC = {"gpt": 15, "vit": 15, "resnet": 15, "conv_autoencoder": 15, **DEEP}  # steps


@pytest.fixture(scope="module")
def hydra() -> Any:
    with hydra_session() as session:
        yield session


def parts_of(hydra: Any, trials: Sequence[list[str]], common: list[str], double: bool = False) -> list[Parts]:
    """Composed and built as a sweep does: the data once."""
    made: list[Parts] = []
    typed = ("device=cpu", "device.threads=1", *common)
    for overrides in trials:
        cfg = _composer(hydra, typed)([*typed, *overrides])
        shared = (made[0].data, made[0].task.loader) if made and not any("split" in o for o in overrides) else ()
        made.append(build(cfg, *shared))
        if double:
            made[-1].model.double()
            _make_optimizer_anew(made[-1].task.update)
            if getattr(made[-1].task, "weights", None) is not None:
                made[-1].task.weights = made[-1].task.weights.double()
            if not shared and made[-1].data.prepared_kind != "tokens":
                made[-1].task.loader.inputs = made[-1].task.loader.inputs.double()
    return made


@cache
def _composer(hydra: Any, typed: tuple[str, ...]) -> TrialComposer:
    return TrialComposer(hydra.config_loader, compose(hydra, [*typed, "name=a,b"], multirun=True))


def _make_optimizer_anew(update: Any) -> None:
    """Some have state from the start, in the type that the weights have."""
    groups = zip(update.groups, update.optimizer.param_groups, strict=True)
    update.optimizer = update.make_optimizer([{**own, "params": group["params"]} for own, group in groups])


def plan(**settings: Any) -> Plan:
    return Plan(**({"epochs": 100, "monitor": "val/loss", "higher": False, "max_steps": STEPS} | settings))


def train_alone(parts: list[Parts], how: Plan) -> list[list[dict[str, float]]]:
    return [
        [event.metrics for event in fit(each.task, how, Progress()) if isinstance(event, Epoch)] for each in parts
    ]


def train_stacked(parts: list[Parts], how: Plan) -> tuple[list[list[dict[str, float]]], list[Progress]]:
    metrics: list[list[dict[str, float]]] = [[] for _ in parts]
    progress = [Progress() for _ in parts]
    for event in fit_trials(stack_of(parts), [how] * len(parts), progress):
        if isinstance(event, Epoch):
            metrics[event.trial].append(event.metrics)
    return metrics, progress


def assert_same_weights(stacked: list[Parts], alone: list[Parts], tolerance: float) -> None:
    for one, other in zip(stacked, alone, strict=True):
        for (name, got), expected in zip(
            one.model.state_dict().items(), other.model.state_dict().values(), strict=True
        ):
            distance = (got.double() - expected.double()).norm() / expected.double().norm().clamp(min=1e-6)
            assert distance < tolerance, f"{name}: {distance:.2g}"


def assert_equal_to_alone(
    hydra: Any,
    common: list[str],
    trials: Sequence[list[str]] = TRIALS,
    smooth: Sequence[str] = (),
    chaotic: bool = False,
    **how: Any,
) -> None:
    for double, tolerance in ((True, 1e-10),) if chaotic else ((False, 1e-5), (True, 1e-10)):
        chosen = common if double else [*common, *smooth]
        length = {"max_steps": STEPS if double else SINGLE_STEPS} | how
        alone, stacked = (parts_of(hydra, trials, chosen, double) for _ in range(2))
        expected = train_alone(alone, plan(**length))
        got, _ = train_stacked(stacked, plan(**length))
        assert_same_weights(stacked, alone, tolerance)
        for mine, theirs in zip(got, expected, strict=True):
            assert len(mine) == len(theirs) > 0
            for own, other in zip(mine, theirs, strict=True):
                assert own == pytest.approx(other, rel=1e-4, abs=1e-6)


def cases() -> list[Any]:
    """Every model × optimizer × schedule. Those that are not needed for each pair of two to meet are marked, and run
    by `make exhaustive` alone."""
    optimizers, schedulers = options("optimizer"), options("scheduler")
    found = []
    for (m, model), (o, optimizer), (s, scheduler) in product(
        enumerate(options("model")), enumerate(optimizers), enumerate(schedulers)
    ):
        if model in DEEP and (optimizer, scheduler) != ("sgd", "cosine"):
            continue
        left_over = (s - m) % len(schedulers) >= len(optimizers) and (m + s) % len(optimizers) == o
        needed = (m + o) % len(schedulers) == s or left_over or model in DEEP
        marks = () if needed else (pytest.mark.exhaustive,)
        found.append(pytest.param(model, optimizer, scheduler, marks=marks))
    return found


@pytest.mark.parametrize(("model", "optimizer", "scheduler"), cases())
def test_stacked_equals_alone(hydra: Any, model: str, optimizer: str, scheduler: str) -> None:
    """Every model × optimizer × schedule: float32 to 1e-5, float64 to 1e-10, the same metrics each epoch."""
    common = [f"model={model}", f"optimizer={optimizer}", f"scheduler={scheduler}", *SMALL.get(model, [])]
    smooth, chaotic = SMOOTH.get(model, ()), model in CHAOTIC
    how = {"max_steps": CHAOTIC[model]} if chaotic else {}
    assert_equal_to_alone(hydra, [*common, "data=digits", "trainer.epochs=2"], smooth=smooth, chaotic=chaotic, **how)


MLP = ["model=mlp", "model.width=16", "model.activation=tanh", "data=digits", "trainer.epochs=2"]
CNN = ["model=cnn", "model.width=4", "model.activation=tanh", "model.pooling=mean", "data=digits", "trainer.epochs=2"]
REMAINDER = ["model=mlp", "model.width=16", "model.activation=tanh", "data=breast_cancer", "trainer.epochs=2"]
REMAINDER += ["model.norm=batch_norm", "optimizer=momentum"]
DIABETES = ["task=regression", "model=mlp", "model.width=16", "data=diabetes", "model.activation=tanh"]
# The head's bias moves all embeddings alike, so its gradient is rounding alone: Adam would make full steps of it.
EPISODES = ["task=few_shot", "data=blobs", "data.classes=25", "model=mlp", "model.width=8", "optimizer=sgd"]
EPISODES += ["model.activation=tanh"]
LABELS = ["task=sequence_labelling", "data.examples=200", "data.length=12"]
LSTM_LABELS = [*LABELS, "model.hidden_size=8"]
NAMES = ["data=surnames", "model=gru", "model.hidden_size=8", "trainer.batch_size=256"]
CASES = {
    "dropout": ([*MLP, "model.dropout=0.5"], TRIALS),
    "dropout-cnn": ([*CNN, "model.dropout=0.5"], TRIALS),
    "dropout-lstm": (["model=lstm", "model.hidden_size=8", "model.layers=2", "model.dropout=0.3"], TRIALS),
    "batch-norm": ([*CNN, "model.norm=batch_norm"], TRIALS),
    # not Adam: some pixels are always 0, so the gradient of their weights before the norm is rounding alone
    "batch-norm-of-vectors": ([*MLP, "model.norm=batch_norm", "optimizer=momentum"], TRIALS),
    "accumulate": ([*MLP, "trainer.accumulate=3", "model.dropout=0.2"], TRIALS),
    "clip": (MLP, [["trainer.clip_norm=0.5"], ["trainer.clip_norm=0.05"], ["trainer.clip_value=0.003"]]),
    # 341 training examples: ten batches, of which the last has 35
    "batch-norm-remainder": ([*REMAINDER, "trainer.batch_size=34"], TRIALS),
    "batch-norm-remainder-in-parts": ([*REMAINDER, "trainer.batch_size=34", "trainer.accumulate=2"], TRIALS),
    "smoothing": (MLP, [["task.label_smoothing=0"], ["task.label_smoothing=0.1"], ["task.label_smoothing=0.3"]]),
    "balanced": (
        [*MLP, "trainer.class_weights=balanced"],
        [["task.label_smoothing=0.2"], ["task.label_smoothing=0.1"]],
    ),
    "sampler": ([*MLP, "trainer.sampler=balanced", "model.dropout=0.2"], TRIALS),
    "momentum": (
        [*MLP, "optimizer=momentum"],
        [["optimizer.momentum=0.5"], ["optimizer.momentum=0.9"], ["optimizer.nesterov=true"]],
    ),
    "betas": (MLP, [["optimizer.betas=[0.9,0.99]"], ["optimizer.betas=[0.8,0.999]"], ["optimizer.amsgrad=true"]]),
    "schedules": (MLP, [["scheduler=cosine"], ["scheduler=one_cycle"], ["scheduler=step", "scheduler.step_size=1"]]),
    "splits": (MLP, [["split.seed=1"], ["split.seed=2", "trainer.seed=3"]]),
    "vocabularies": (NAMES, [["split.seed=1"], ["split.seed=2", "trainer.seed=1"]]),
    "vocabularies-of-folds": ([*NAMES, "split.folds=5"], [["split.fold=0"], ["split.fold=3"]]),
    "tf-idf": (
        ["data=bbc_vectors", "data.words=50", "model=mlp", "model.width=8", "model.activation=tanh"],
        [["split.seed=1"], ["split.seed=2", "trainer.seed=1"]],
    ),
    "regression": (DIABETES, [["split.seed=1"], ["split.seed=2"], ["optimizer.lr=0.01"]]),
    "l1": (MLP, [["trainer.l1=0"], ["trainer.l1=0.001"], ["trainer.l1=0.01", "trainer.seed=1"]]),
    "rates-by-name": ([*MLP, "trainer.lr_scale={head.*: 3.0, hidden.0.*: 0.1}"], TRIALS),
    "ema": ([*CNN, "trainer.average=ema"], [["trainer.average_decay=0.9"], ["trainer.average_decay=0.5"]]),
    "swa": (
        [*CNN, "trainer.average=swa"],
        [["trainer.average_start=0.1"], ["trainer.average_start=0.5", "trainer.seed=1"]],
    ),
    "mixup": ([*MLP, "task.mixup=0.4"], TRIALS),
    "augment": ([*CNN, "task.shift=1", "task.rotate=15", "task.flip=true", "task.noise=0.1"], TRIALS),
    "augment-flat": ([*MLP, "task.shift=1", "task.label_smoothing=0.1"], TRIALS),
    "frozen": ([*CNN, "model.norm=batch_norm", "model.freeze=blocks.0.*"], TRIALS),
    "frozen-ema": ([*CNN, "model.freeze=blocks.*", "trainer.average=ema"], TRIALS),
    "sequence-labelling": (LSTM_LABELS, TRIALS),
    "sequence-labelling-weights": (
        [*LSTM_LABELS, "trainer.class_weights=balanced"],
        [["split.seed=1"], ["split.seed=2", "trainer.seed=1"]],
    ),
    "sequence-labelling-in-parts": ([*LSTM_LABELS, "trainer.accumulate=5"], TRIALS),
    "language-model": (
        ["task=language_model", "model.width=8", "model.heads=1", "model.layers=1", "data.length=100"],
        [*TRIALS, ["split.seed=1"]],
    ),
    "multi-label": (["task=multi_label", "data.examples=200", "model.width=8", "model.activation=tanh"], TRIALS),
    "denoising": (
        ["task=reconstruction", "model.width=16", "model.activation=tanh"],
        [["task.noise=0.1"], ["task.noise=1", "trainer.seed=1"], ["task.noise=0.5", "split.seed=1"]],
    ),
    "masked": (
        ["task=reconstruction", "data=diabetes", "model.width=8", "model.activation=tanh"],
        [["task.mask=0.1"], ["task.mask=0.5", "split.seed=1"]],
    ),
    "vae": (
        ["task=reconstruction", "model=vae", "model.width=16", "model.activation=tanh"],
        [["task.beta=0"], ["task.beta=1", "trainer.seed=1"]],
    ),
    "few-shot": ([*EPISODES, "model.dropout=0.2"], [*TRIALS, ["split.seed=1"]]),
    "few-shot-cosine": ([*EPISODES, "task.distance=cosine"], [["task.scale=5"], ["task.scale=20", "trainer.seed=1"]]),
    "rprop": (
        [
            "model=linear",
            "optimizer._target_=torch.optim.Rprop",
            *[f"~optimizer.{key}" for key in ("betas", "eps", "weight_decay", "amsgrad", "fused")],
        ],
        [["optimizer.lr=0.001"], ["optimizer.lr=0.01"]],
    ),
    "adagrad": (
        [
            *MLP,
            "optimizer._target_=torch.optim.Adagrad",
            "+optimizer.initial_accumulator_value=0.1",
            *[f"~optimizer.{key}" for key in ("betas", "amsgrad")],
        ],
        [["optimizer.lr=0.01"], ["optimizer.lr=0.1"], ["optimizer.initial_accumulator_value=0.5"]],
    ),
    "adafactor": (
        [
            "model=linear",
            "optimizer._target_=torch.optim.Adafactor",
            *[f"~optimizer.{key}" for key in ("betas", "eps", "amsgrad", "fused")],
        ],
        [["optimizer.lr=0.001"], ["optimizer.lr=0.01"]],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_whatever_differs_between_trials(hydra: Any, case: str) -> None:
    common, trials = CASES[case]
    how: dict[str, Any] = (
        {"chaotic": True, "max_steps": CHAOTIC["gpt"]} if case == "language-model" else {}
    )  # its model
    if case.startswith("few-shot"):
        how["max_steps"] = STEPS  # before that, rounding decides about a query among thousands
    assert_equal_to_alone(hydra, common, trials, **how)


RANDOM = ("dropout", "dropout-lstm", "sampler", "mixup", "augment", "augment-flat", "denoising", "masked", "vae")
RANDOM += ("few-shot",)


@pytest.mark.parametrize("case", RANDOM)
def test_a_trials_random_numbers_are_its_own(hydra: Any, case: str) -> None:
    """Whatever others draw from the generators that belong to the process, and whichever companions there are."""
    common, trials = CASES[case]
    expected = _trained(stack_of(parts_of(hydra, trials, common)), pollute=False)[-1]
    others = [*trials[0], "trainer.seed=7"]
    got = _trained(stack_of(parts_of(hydra, [trials[0], others, trials[0], trials[-1]], common)), pollute=True)[-1]
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(got, expected, strict=True))


def _trained(stack: Any, pollute: bool) -> list[list[torch.Tensor]]:
    """The weights of each trial after a few steps, between which others may draw."""
    for number, batch in enumerate(stack.batches(0)):
        stack.step(batch)
        if pollute:
            torch.manual_seed(number)
            np.random.seed(number)
            random.seed(number)
        if number == 5:
            break
    weights = [tensor.detach() for tensor in stack.stacked.named().values()]
    return [[tensor[row] for tensor in weights] for row in range(len(stack.tasks))]


ON_A_DEVICE = {
    "smoothing": CASES["smoothing"],
    "balanced": CASES["balanced"],
    "clip": CASES["clip"],
    "l1": CASES["l1"],
    "ema": CASES["ema"],
    "accumulate": ([*MLP, "trainer.accumulate=3"], TRIALS),
    "rates-by-name": CASES["rates-by-name"],
    "regression": CASES["regression"],
    "sequence-labelling-in-parts": (
        [*LABELS, "trainer.accumulate=5", "model=transformer", *SMALL["transformer"], "model.dropout=0"],
        TRIALS,
    ),
    "multi-label": CASES["multi-label"],
    "autoencoder": (["task=reconstruction", "model.width=16"], [["task.beta=0"], ["task.beta=1", "trainer.seed=1"]]),
}


@pytest.mark.parametrize("case", ON_A_DEVICE)
def test_a_stack_makes_its_tensors_on_the_device(hydra: Any, case: str) -> None:
    """The device "meta" computes nothing, but it refuses tensors of another, as a GPU does: a step and an evaluation
    there, and a trial that leaves, without one."""
    common, trials = ON_A_DEVICE[case]
    stack = stack_of([_on_meta(each) for each in parts_of(hydra, trials, [*common, "~optimizer.fused"])])
    batches = iter(stack.batches(0))
    for _ in range(2):
        values = stack.step(next(batches))
        assert values["loss"].device.type == "meta" and values["loss"].shape == (len(trials),)
    weights = stack.stacked.named()
    for rows in stack.loader.blocks("val", 8):
        found = stack._evaluate("val", rows, {name: tensor.detach() for name, tensor in weights.items()})
        assert {tensor.device.type for tensor in found.values()} == {"meta"}
    held = [*weights.values(), *stack.per_trial.values(), *stack.constants.values(), *stack.update.averages]
    assert {tensor.device.type for tensor in held} == {"meta"}
    stack.stacked.keep([0])
    stack.update.keep([0])
    assert all(tensor.device.type == "meta" for tensor in stack.stacked.named().values())


def _on_meta(parts: Parts) -> Parts:
    task: Any = parts.task
    name_of = {id(parameter): name for name, parameter in parts.model.named_parameters()}
    groups = [[name_of[id(p)] for p in group["params"]] for group in task.update.optimizer.param_groups]
    for holder in (task, task.loader):
        for name, value in vars(holder).items():
            if isinstance(value, torch.Tensor):
                setattr(holder, name, value.to("meta"))
    task.loader.device = torch.device("meta")
    task.loader.indices = {name: index.to("meta") for name, index in task.loader.indices.items()}
    parameters = dict(parts.model.to("meta").named_parameters())  # new ones
    own = zip(task.update.groups, groups, strict=True)
    task.update.optimizer = task.update.make_optimizer(
        [{**group, "params": [parameters[name] for name in names]} for group, names in own]
    )
    return parts


ANY_SIZE = {model: [f"model={model}", *SMALL.get(model, [])] for model in options("model") if model not in DEEP}
ANY_SIZE["mlp-batch_norm"] = [*ANY_SIZE["mlp"], "model.norm=batch_norm"]


@pytest.mark.parametrize("common", ANY_SIZE.values(), ids=ANY_SIZE)
def test_a_trial_is_bit_identical_in_a_stack_of_any_size_by_any_threads(hydra: Any, common: list[str]) -> None:
    seen = []
    for size, threads in ((2, 1), (8, 2), (16, 1)):
        others = [[f"optimizer.lr={0.001 * (i + 1)}", f"trainer.seed={i}"] for i in range(size - 1)]
        parts = parts_of(hydra, [*others, ["optimizer.lr=0.003", "trainer.seed=99"]], [*common, "data=digits"])
        torch.set_num_threads(threads)
        metrics, progress = train_stacked(parts, plan(max_steps=12))
        seen.append((parts[-1].model.state_dict(), progress[-1].best_weights, metrics[-1]))
    for weights, best, metrics in seen[1:]:
        assert metrics == seen[0][2]
        assert all(torch.equal(tensor, seen[0][0][name]) for name, tensor in weights.items())
        assert all(torch.equal(tensor, seen[0][1][name]) for name, tensor in best.items())


@pytest.mark.parametrize("optimizer", ["adam", "momentum"])
def test_a_trial_that_stops_leaves_and_the_others_do_not_notice(hydra: Any, optimizer: str) -> None:
    """The first stops early at its best, the second learns nothing from a rate of 0, the others go on."""
    common = [*MLP, f"optimizer={optimizer}", "model.dropout=0.3"]
    rates = ["0.2", "0.0", "0.002", "0.004"]
    trials = [[f"optimizer.lr={rate}", f"trainer.seed={i}"] for i, rate in enumerate(rates)]
    how = plan(max_steps=None, epochs=6, patience=2)
    alone, stacked = (parts_of(hydra, trials, common) for _ in range(2))
    expected = train_alone(alone, how)
    got, progress = train_stacked(stacked, how)
    assert [len(metrics) for metrics in got] == [len(metrics) for metrics in expected]
    assert len(got[1]) == 3 and len(got[3]) == 6 and "patience" not in progress[3].stopped
    assert progress[1].best_epoch == 1 and progress[1].stopped
    assert_same_weights(stacked[1:], alone[1:], 1e-5)
    for mine, theirs in zip(got[2:], expected[2:], strict=True):
        assert mine[-1] == pytest.approx(theirs[-1], rel=1e-4)


def test_a_trial_that_diverges_harms_no_other(hydra: Any) -> None:
    trials = [["optimizer.lr=0.1"], ["optimizer.lr=1e30", "trainer.seed=1"], ["optimizer.lr=0.05", "trainer.seed=2"]]
    common = [*MLP, "optimizer=sgd"]
    stacked, alone = parts_of(hydra, trials, common), parts_of(hydra, [trials[0], trials[2]], common)
    how = plan(max_steps=None, epochs=3)
    metrics, progress = train_stacked(stacked, how)
    train_alone(alone, how)
    assert progress[1].failure is not None and "at step" in str(progress[1].failure)
    assert metrics[1] == [] and len(metrics[0]) == len(metrics[2]) == 3
    assert_same_weights([stacked[0], stacked[2]], alone, 1e-5)


def test_plateaus_are_each_trials_own(hydra: Any) -> None:
    """The rates of two trials part when only one of them stops improving."""
    common = [*MLP, "scheduler=plateau", "scheduler.patience=0", "trainer.monitor=val/accuracy"]
    trials = [["optimizer.lr=0.0"], ["optimizer.lr=0.003"]]
    how = plan(max_steps=None, epochs=4, monitor="val/accuracy", higher=True)
    stacked = parts_of(hydra, trials, common)
    train_stacked(stacked, how)
    factors = [each.task.update.schedule.state.factor for each in stacked]
    assert factors[0] == 0.125 and factors[1] > 0.125


def test_what_cannot_be_one_computation_says_why(hydra: Any) -> None:
    different = parts_of(hydra, [["data=iris"]], ["model=linear"]) + parts_of(hydra, [[]], ["model=linear"])
    with pytest.raises(CannotStack, match="differ in size"):
        stack_of(different)
