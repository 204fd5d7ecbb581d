import json
import math
from pathlib import Path
from typing import Any

import pytest

from mlcli.metric import figures_sweep
from mlcli.metric.sweep import sweep

Row = dict[str, Any]


def rows(settings: list[dict[str, Any]], scores: list[float | None], metric: str = "val/loss") -> list[Row]:
    return [
        {"trial": i, "swept": swept, "metrics": {} if score is None else {metric: score}}
        for i, (swept, score) in enumerate(zip(settings, scores, strict=True))
    ]


def grid(**values: list[Any]) -> list[dict[str, Any]]:
    settings: list[dict[str, Any]] = [{}]
    for key, each in values.items():
        settings = [{**setting, key.replace("__", "."): value} for setting in settings for value in each]
    return settings


RATES = [1e-4, 1e-3, 1e-2]
CASES = [
    (grid(optimizer__lr=RATES), figures_sweep.line),
    (grid(trainer__seed=[0, 1, 2]), figures_sweep.seeds),
    (grid(optimizer__lr=RATES, trainer__seed=[0, 1]), figures_sweep.line),
    (grid(model=["mlp", "lstm"]), figures_sweep.ranking),
    (grid(optimizer__lr=RATES, model=["mlp", "lstm"]), figures_sweep.heat_map),
    (grid(optimizer__lr=RATES, trainer__batch_size=[32, 64], trainer__seed=[0, 1]), figures_sweep.heat_map),
    ([{"optimizer.lr": 10.0**-i, "optimizer.weight_decay": 1.5**-i} for i in range(6)], figures_sweep.plane),
    (grid(optimizer__lr=RATES, model=["mlp", "$x$"], trainer__batch_size=[32, 64]), figures_sweep.ranking),
    (grid(optimizer__lr=RATES, model=["mlp"]), figures_sweep.line),  # a key with one value is not shown
    (grid(optimizer__betas=[[0.9, 0.99], [0.8, 0.99]], trainer__clip_norm=[None, 1.0]), figures_sweep.heat_map),
]


@pytest.mark.parametrize(("settings", "picture"), CASES)
def test_picture_fits_what_was_swept(settings: list[dict[str, Any]], picture: Any, tmp_path: Path) -> None:
    for metric in ("val/loss", "val/accuracy"):
        [plot] = sweep(rows(settings, [0.5 + 0.01 * i for i in range(len(settings))], metric), metric)
        assert plot.name == "sweep" and plot.draw is picture
        assert plot.save(tmp_path).read_bytes().startswith(b"\x89PNG")
        assert json.loads((tmp_path / "sweep.json").read_text()) == plot.data


def test_trials_without_a_score_are_left_out_and_it_says_so() -> None:
    [plot] = sweep(rows(grid(optimizer__lr=[1e-4, 1e-3, 1e-2, 1.0]), [0.4, 0.2, None, math.nan]), "val/loss")
    assert [trial["trial"] for trial in plot.data["trials"]] == [0, 1] and plot.data["left_out"] == 2
    title, note = (text.get_text() for text in plot.figure().texts)
    assert title == "val/loss against optimizer.lr · best 0.2 at 0.001"
    assert note == "2 trials; 2 without a score left out"
    assert sweep(rows(grid(optimizer__lr=RATES), [None, None, None]), "val/loss") == []


def test_one_trial_and_diverged_losses_are_drawn(tmp_path: Path) -> None:
    for swept in ({"optimizer.lr": 0.1}, {"trainer.seed": 3}, {"model": "mlp"}, {}):
        [one] = sweep(rows([swept], [0.3]), "val/loss")
        one.save(tmp_path)
    [wide] = sweep(rows(grid(optimizer__lr=RATES, model=["a", "b"]), [0.1, 1e6, 2.0, 3.0, 1e30, 5.0]), "val/loss")
    wide.save(tmp_path)


def test_repeats_are_judged_by_their_mean() -> None:
    [plot] = sweep(rows(grid(optimizer__lr=[0.1, 0.2], trainer__seed=[0, 1]), [0.0, 1.0, 0.4, 0.4]), "val/loss")
    assert "best 0.4 at 0.2" in plot.figure().texts[0].get_text()
