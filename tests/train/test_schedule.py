"""Every schedule against torch.optim.lr_scheduler, update by update."""

import math
from pathlib import Path

import pytest
import torch
import yaml
from torch.optim import lr_scheduler

from mlcli.train import schedule
from mlcli.train.schedule import (
    Constant,
    Cosine,
    CosLog,
    Cyclic,
    Exponential,
    FlatCosine,
    OneCycle,
    Plateau,
    Step,
    WarmupCosine,
)

STEPS_PER_EPOCH, EPOCHS = 7, 12
TOTAL = STEPS_PER_EPOCH * EPOCHS
CONF = Path(__file__).parents[2] / "conf" / "scheduler"


def optimizer(lr=1.0):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)


def rates(ours, total=TOTAL):
    return [ours(step, STEPS_PER_EPOCH, total) for step in range(total)]


def reference(make, by="step", total=TOTAL):
    """Rates that torch uses at each update; its scheduler is stepped after each update or each epoch."""
    sgd = optimizer()
    scheduler = make(sgd)
    found = []
    for step in range(1, total + 1):
        found.append(float(sgd.param_groups[0]["lr"]))
        sgd.step()
        if by == "step" or step % STEPS_PER_EPOCH == 0:
            scheduler.step()
    return found


def assert_equal(ours, theirs):
    assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-12)


def test_constant_is_one():
    assert set(rates(Constant())) == {1.0}


@pytest.mark.parametrize(("step_size", "gamma"), [(1, 0.5), (3, 0.1), (5, 0.9), (40, 0.5)])
def test_step_equals_torch(step_size, gamma):
    theirs = reference(lambda sgd: lr_scheduler.StepLR(sgd, step_size, gamma), by="epoch")
    assert_equal(rates(Step(step_size, gamma)), theirs)


@pytest.mark.parametrize("gamma", [0.5, 0.95, 1.0])
def test_exponential_equals_torch(gamma):
    theirs = reference(lambda sgd: lr_scheduler.ExponentialLR(sgd, gamma), by="epoch")
    assert_equal(rates(Exponential(gamma)), theirs)


@pytest.mark.parametrize("min_factor", [0.0, 0.1, 1.0])
def test_cosine_equals_torch(min_factor):
    theirs = reference(lambda sgd: lr_scheduler.CosineAnnealingLR(sgd, TOTAL, eta_min=min_factor))
    assert_equal(rates(Cosine(min_factor)), theirs)


@pytest.mark.parametrize(
    ("warmup", "updates"), [(0.25, TOTAL // 4), (1.0, STEPS_PER_EPOCH), (3, 3 * STEPS_PER_EPOCH)]
)
@pytest.mark.parametrize("min_factor", [0.0, 0.2])
def test_warmup_cosine_is_a_linear_rise_then_torchs_cosine(warmup, updates, min_factor):
    rise = reference(lambda sgd: lr_scheduler.LinearLR(sgd, 1 / (updates + 1), 1.0, updates), total=updates)
    rest = TOTAL - updates
    fall = reference(lambda sgd: lr_scheduler.CosineAnnealingLR(sgd, rest, eta_min=min_factor), total=rest)
    assert_equal(rates(WarmupCosine(warmup, min_factor)), rise + fall)


def test_warmup_of_nothing_is_cosine_and_one_longer_than_training_only_rises():
    assert rates(WarmupCosine(warmup=0.0)) == rates(Cosine())
    rising = rates(WarmupCosine(warmup=EPOCHS + 5.0))
    assert rising == sorted(rising)
    assert 0 < rising[0] < rising[-1] < 1


@pytest.mark.parametrize("mode", ["triangular", "triangular2", "exp_range"])
@pytest.mark.parametrize(("up", "down"), [(2.0, None), (1.0, 3.0), (0.5, 0.25)])
def test_cyclic_equals_torch(mode, up, down):
    def make(sgd):
        down_steps = None if down is None else down * STEPS_PER_EPOCH
        return lr_scheduler.CyclicLR(
            sgd, 0.1, 2.0, up * STEPS_PER_EPOCH, down_steps, mode=mode, gamma=0.99, cycle_momentum=False
        )

    ours = Cyclic(mode, base_factor=0.1, max_factor=2.0, step_size_up=up, step_size_down=down, gamma=0.99)
    assert_equal(rates(ours), reference(make))


@pytest.mark.parametrize("anneal", ["cos", "linear"])
@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize("pct_start", [0.1, 0.3, 0.45])
def test_one_cycle_equals_torch(anneal, three_phase, pct_start):
    settings = {"pct_start": pct_start, "anneal_strategy": anneal, "three_phase": three_phase}

    def make(sgd):
        return lr_scheduler.OneCycleLR(
            sgd, 1.0, TOTAL + 1, div_factor=10, final_div_factor=100, cycle_momentum=False, **settings
        )

    ours = OneCycle(div_factor=10, final_div_factor=100, **settings)
    # Torch is given one update more than it takes: its scheduler is stepped once after the last one.
    assert_equal([ours(step, STEPS_PER_EPOCH, TOTAL + 1) for step in range(TOTAL)], reference(make))


@pytest.mark.parametrize("total", [1, 2, 3, 10])
def test_one_cycle_is_finite_however_short_training_is(total):
    found = rates(OneCycle(pct_start=0.1), total)
    assert all(0 < rate <= 1 for rate in found)
    assert found[-1] == pytest.approx(1 / 25 / 1e4)


SCORES = [1.0, 0.9, 0.9, 0.95, 0.9, 0.89999, 0.9, 0.5, 0.6, 0.6, math.nan, 0.7, 0.7, 0.7, 0.4, math.inf] + [0.8] * 14


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
@pytest.mark.parametrize(("patience", "cooldown", "min_factor"), [(0, 0, 0.0), (2, 0, 0.1), (1, 3, 0.0)])
def test_plateau_equals_torch(mode, threshold_mode, patience, cooldown, min_factor):
    settings = {"threshold_mode": threshold_mode, "patience": patience, "cooldown": cooldown}
    sgd = optimizer()
    theirs = lr_scheduler.ReduceLROnPlateau(sgd, mode, factor=0.5, min_lr=min_factor, eps=0.0, **settings)
    ours = Plateau(higher=mode == "max", factor=0.5, min_factor=min_factor, **settings)
    for step, score in enumerate(SCORES):
        assert_equal(ours(step, STEPS_PER_EPOCH, TOTAL), sgd.param_groups[0]["lr"])
        theirs.step(score)
        ours.observe(score)
    assert ours(0, STEPS_PER_EPOCH, TOTAL) < 1


def test_plateau_goes_on_from_its_state():
    whole = Plateau(patience=1)
    for score in SCORES[:6]:
        whole.observe(score)
    resumed = Plateau(patience=1)
    resumed.load_state_dict(whole.state_dict())
    for score in SCORES[6:]:
        whole.observe(score)
        resumed.observe(score)
        assert resumed.state == whole.state


def test_cos_log_equals_its_formula():
    expected = [(1 - math.cos(2 * math.pi * math.log2(1 + 15 * step / TOTAL))) / 2 for step in range(TOTAL)]
    assert_equal(rates(CosLog()), expected)
    ends = [CosLog()(step, 10, 1500) for step in (0, 100, 300, 700, 1500)]  # each cycle twice as long
    assert ends == pytest.approx([0.0] * 5, abs=1e-12)
    tops = [CosLog()(1500 * (2 ** (cycle + 0.5) - 1) / 15, 10, 1500) for cycle in range(4)]
    assert tops == pytest.approx([1.0] * 4)


def test_flat_cosine_is_flat_and_then_torchs_cosine():
    found = rates(FlatCosine(0.5))
    assert set(found[: TOTAL // 2]) == {1.0}
    assert_equal(
        found[TOTAL // 2 :], reference(lambda sgd: lr_scheduler.CosineAnnealingLR(sgd, TOTAL // 2))[: TOTAL // 2]
    )


def test_plateau_reads_a_fall_of_a_negative_score_as_no_improvement():
    plateau = Plateau(higher=True, patience=0, threshold=0.1)  # R² may be negative
    plateau.observe(-1.0)
    plateau.observe(-1.05)
    assert plateau.state.best == -1.0
    assert plateau.state.factor < 1


@pytest.mark.parametrize("file", sorted(CONF.glob("*.yaml")), ids=lambda file: file.stem)
def test_config_builds_with_the_defaults_of_the_class(file):
    config = yaml.safe_load(file.read_text())
    module, _, name = config.pop("_target_").rpartition(".")
    assert module == "mlcli.train.schedule"
    kind = getattr(schedule, name)
    assert kind(**config) == kind()
    assert all(0 <= rate <= 1 for rate in rates(kind(**config)))
