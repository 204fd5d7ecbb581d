"""The plot of a sweep: what was swept decides which one; repeats, pruned and failed trials."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcli.figure import sweep, sweep_map
from mlcli.sweep.plots import sweep_plots

Row = dict[str, Any]


def rows(settings: list[dict[str, Any]], scores: list[float | None], metric: str = "val/loss") -> list[Row]:
    return [
        {"trial": i, "status": "FINISHED", "swept": swept, "metrics": {} if score is None else {metric: score}}
        for i, (swept, score) in enumerate(zip(settings, scores, strict=True))
    ]


def grid(**values: list[Any]) -> list[dict[str, Any]]:
    settings: list[dict[str, Any]] = [{}]
    for key, each in values.items():
        settings = [{**setting, key.replace("__", "."): value} for setting in settings for value in each]
    return settings


RATES = [1e-4, 1e-3, 1e-2]
CASES = [
    (grid(optimizer__lr=RATES), sweep.render_line),
    (grid(trainer__seed=[0, 1, 2]), sweep.render_seeds),
    (grid(optimizer__lr=RATES, trainer__seed=[0, 1]), sweep.render_line),
    (grid(model=["mlp", "lstm"]), sweep.render_ranking),
    (grid(optimizer__lr=RATES, model=["mlp", "lstm"]), sweep_map.render_heat_map),
    (grid(optimizer__lr=RATES, trainer__batch_size=[32, 64], trainer__seed=[0, 1]), sweep_map.render_heat_map),
    ([{"optimizer.lr": 10.0**-i, "optimizer.weight_decay": 1.5**-i} for i in range(6)], sweep_map.render_plane),
    (grid(optimizer__lr=RATES, model=["mlp", "$x$"], trainer__batch_size=[32, 64]), sweep.render_ranking),
    (grid(optimizer__lr=RATES, model=["mlp"]), sweep.render_line),  # a key with one value is not shown
    (grid(optimizer__betas=[[0.9, 0.99], [0.8, 0.99]], trainer__clip_norm=[None, 1.0]), sweep_map.render_heat_map),
]


@pytest.mark.parametrize(("settings", "picture"), CASES)
def test_picture_fits_what_was_swept(settings: list[dict[str, Any]], picture: Any, tmp_path: Path) -> None:
    for metric in ("val/loss", "val/accuracy"):
        [plot] = sweep_plots(rows(settings, [0.5 + 0.01 * i for i in range(len(settings))], metric), metric)
        assert plot.name == "sweep" and plot.render is picture
        assert plot.save(tmp_path).read_bytes().startswith(b"\x89PNG")
        assert json.loads((tmp_path / "sweep.json").read_text()) == plot.data


def test_trials_without_a_score_are_left_out_and_it_says_so() -> None:
    [plot] = sweep_plots(rows(grid(optimizer__lr=[1e-4, 1e-3, 1e-2, 1.0]), [0.4, 0.2, None, math.nan]), "val/loss")
    assert [trial["trial"] for trial in plot.data["trials"]] == [0, 1] and plot.data["left_out"] == 2
    title, note = (text.get_text() for text in plot.figure().texts)
    assert title == "val/loss against optimizer.lr · best 0.2 at 0.001"
    assert note == "2 trials; 2 without a score left out"
    assert sweep_plots(rows(grid(optimizer__lr=RATES), [None, None, None]), "val/loss") == []


def test_one_trial_and_diverged_losses_are_drawn(tmp_path: Path) -> None:
    for swept in ({"optimizer.lr": 0.1}, {"trainer.seed": 3}, {"model": "mlp"}, {}):
        [one] = sweep_plots(rows([swept], [0.3]), "val/loss")
        one.save(tmp_path)
    [wide] = sweep_plots(
        rows(grid(optimizer__lr=RATES, model=["a", "b"]), [0.1, 1e6, 2.0, 3.0, 1e30, 5.0]), "val/loss"
    )
    wide.save(tmp_path)


def test_repeats_are_judged_by_their_mean() -> None:
    [plot] = sweep_plots(rows(grid(optimizer__lr=[0.1, 0.2], trainer__seed=[0, 1]), [0.0, 1.0, 0.4, 0.4]), "val/loss")
    assert "best 0.4, 2 tie" in plot.figure().texts[0].get_text()


def pruned(made: list[Row], *numbers: int) -> list[Row]:
    return [row | {"status": "PRUNED"} if row["trial"] in numbers else row for row in made]


def hollow(plot: Any) -> int:
    """Points of single trials that are not filled."""
    points = [line for line in plot.figure().axes[0].lines if line.get_markerfacecolor() == "white"]
    return max((len(line.get_xdata()) for line in points), default=0)


def test_repeats_have_bars_of_their_deviation() -> None:
    scores = [0.1, 0.2, 0.6, 0.4, 0.5, 0.3]
    [plot] = sweep_plots(rows(grid(optimizer__lr=[0.1, 0.2], trainer__seed=[0, 1, 2]), scores), "val/loss")
    figure = plot.figure()
    (bars,) = figure.axes[0].collections
    for bar, values in zip(bars.get_segments(), np.reshape(scores, (2, 3)), strict=True):
        assert bar[:, 1] == pytest.approx([values.mean() - values.std(ddof=1), values.mean() + values.std(ddof=1)])
    title, note = (text.get_text() for text in figure.texts)
    assert title == "val/loss against optimizer.lr · best 0.30 ± 0.26, 2 tie"
    assert note == "6 trials; means of 3 repeats; bars: ± 1 standard deviation"


def test_a_heat_map_writes_mean_and_deviation() -> None:
    settings = grid(optimizer__lr=[0.1, 0.2], model=["mlp", "lstm"], trainer__seed=[0, 1])
    [plot] = sweep_plots(rows(settings, [0.1, 0.3, 0.5, 0.5, 0.6, 0.7, 0.8, 1.0]), "val/loss")
    assert sorted(text.get_text() for text in plot.figure().axes[0].texts) == [
        "0.20\n± 0.14", "0.5", "0.650\n± 0.071", "0.90\n± 0.14",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "settings",
    [
        grid(optimizer__lr=[0.1, 0.2, 0.3, 0.4]),
        grid(trainer__seed=[0, 1, 2, 3]),
        grid(model=["mlp", "lstm", "gru", "rnn"]),
    ],
)
def test_pruned_trials_are_hollow_and_never_the_best(settings: list[dict[str, Any]]) -> None:
    made = rows(settings, [0.1, 0.3, 0.4, 0.5])
    [plot] = sweep_plots(pruned(made, 0, 3), "val/loss")
    assert hollow(plot) == 2 and hollow(sweep_plots(made, "val/loss")[0]) == 0
    title, note = (text.get_text() for text in plot.figure().texts)
    assert "4 trials, 2 of them pruned (hollow)" in note
    # The best that finished has 0.3; the seeds that finished have a mean of 0.35.
    assert "best 0.3" in title or "over 2 seeds · 0.350 ± 0.071" in title


def test_pruned_trials_of_two_keys_are_hollow_too(tmp_path: Path) -> None:
    cells = grid(optimizer__lr=RATES, model=["mlp", "lstm"])
    apart = [{"optimizer.lr": 10.0**-i, "optimizer.weight_decay": 1.5**-i} for i in range(6)]
    for settings, picture in ((cells, sweep_map.render_heat_map), (apart, sweep_map.render_plane)):
        [plot] = sweep_plots(pruned(rows(settings, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), 0, 4), "val/loss")
        assert plot.render is picture and "best 0.2 at" in plot.figure().texts[0].get_text()
        plot.save(tmp_path)


def test_what_did_not_finish_has_no_score() -> None:
    made = rows(grid(optimizer__lr=RATES), [0.1, 0.2, 0.3])
    [plot] = sweep_plots([made[0] | {"status": "KILLED"}, *made[1:]], "val/loss")
    assert [trial["trial"] for trial in plot.data["trials"]] == [1, 2] and plot.data["left_out"] == 1


def test_a_bar_below_zero_leaves_a_logarithmic_axis_alone() -> None:
    [plot] = sweep_plots(
        rows(grid(optimizer__lr=[0.1, 0.2], trainer__seed=[0, 1]), [0.01, 20.0, 1.0, 1.0]), "val/loss"
    )
    axes = plot.figure().axes[0]
    assert axes.get_yscale() == "log" and 0.001 < axes.get_ylim()[0] < 0.01


def test_ties_are_marked_together() -> None:
    [plot] = sweep_plots(rows(grid(optimizer__lr=RATES), [0.9, 0.9, 0.5], "val/accuracy"), "val/accuracy")
    rings = [line for line in plot.figure().axes[0].lines if line.get_markersize() == 12]
    assert plot.data["best"] == [0, 1] and len(rings) == 2
    assert plot.figure().texts[0].get_text() == "val/accuracy against optimizer.lr · 2 tie at 0.9"


def test_data_sets_have_figures_of_their_own() -> None:
    settings = grid(data=["iris", "wine"], optimizer__lr=RATES)
    made = [
        row | {"context": {"data._target_": f"mlcli.data.x.{row['swept']['data']}"}}
        for row in rows(settings, [0.3, 0.2, 0.1, 3.0, 2.0, 1.0])
    ]
    plots = sweep_plots(made, "val/loss")
    assert [plot.name for plot in plots] == ["sweep_iris", "sweep_wine"]
    assert [plot.figure().texts[0].get_text() for plot in plots] == [
        "iris: val/loss against optimizer.lr · best 0.1 at 0.01",
        "wine: val/loss against optimizer.lr · best 1 at 0.01",
    ]  # fmt: skip
    # Of a single trial each, none is the best.
    made = [
        row | {"context": {"model.clusters": str(row["swept"]["model.clusters"])}}
        for row in rows(grid(model__clusters=[2, 3, 4]), [3.0, 2.0, 1.0])
    ]
    [plot] = sweep_plots(made, "val/loss")
    assert plot.data["best"] == [] and plot.figure().texts[0].get_text() == "val/loss against model.clusters"


def test_pruned_cells_have_no_colour() -> None:
    """They would be compared with scores of other epochs."""
    settings = grid(optimizer__lr=[0.1, 0.2], model=["mlp", "lstm"])
    made = [row | {"epoch": 2} for row in pruned(rows(settings, [0.1, 0.2, 0.3, 0.4]), 0, 3)]
    figure = sweep_plots(made, "val/loss")[0].figure()
    assert np.ma.getmaskarray(figure.axes[0].images[0].get_array()).sum() == 2
    assert "2 of them pruned at epoch 2 (ring, no colour)" in figure.texts[1].get_text()
