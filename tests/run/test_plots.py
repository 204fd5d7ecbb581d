"""Plots of histories: the best epoch is marked, runs are ranked, gaps are no reason to fail."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from mlcli.run import plots


def history(losses: list[float], **more: float) -> list[dict[str, Any]]:
    return [
        {
            "epoch": i + 1,
            "step": 10 * (i + 1),
            "metrics": {
                "train/loss": loss / 2,
                "val/loss": loss,
                "val/f1": 1 - loss,
                "val/accuracy": 1 - loss,
                **more,
            },
        }
        for i, loss in enumerate(losses)
    ]


def title(plot: Any) -> str:
    text: str = plot.figure().texts[0].get_text()
    return text


def test_best_epoch_is_marked_by_the_monitor(tmp_path: Path) -> None:
    records = history([0.5, 0.2, 0.3])
    for record, lr in zip(records, (0.01, 0.01, 0.001), strict=True):
        record["metrics"]["lr"] = lr
    records[2]["metrics"]["val/accuracy"] = 0.95
    by_loss, rate = plots.learning_curves(records)
    assert (by_loss.name, rate.name) == ("learning_curves", "learning_rate")
    assert by_loss.data["best"] == {"epoch": 2, "value": 0.2}
    assert list(by_loss.data["curves"]) == ["loss", "accuracy"]
    assert plots.learning_curves(records, "val/accuracy")[0].data["best"] == {"epoch": 3, "value": 0.95}
    assert "best epoch 2, val/loss 0.2" in title(by_loss)
    assert rate.data == {"steps": [10, 20, 30], "rates": [0.01, 0.01, 0.001]}
    for plot in (by_loss, rate):
        plot.save(tmp_path)
        assert json.loads((tmp_path / f"{plot.name}.json").read_text()) == plot.data


def test_the_epoch_whose_weights_are_kept_is_marked() -> None:
    """Without a validation split it is the last one, whatever its loss."""
    [plot] = plots.learning_curves(history([0.5, 0.2, 0.3]), best_epoch=3)
    assert plot.data["best"] == {"epoch": 3, "value": 0.3}
    assert "best epoch 3, val/loss 0.3" in title(plot)


def test_a_constant_learning_rate_has_no_figure() -> None:
    [curves] = plots.learning_curves(history([0.5, 0.2], lr=0.01))
    assert curves.name == "learning_curves"


def test_gaps_single_epochs_and_unknown_monitors_are_drawn(tmp_path: Path) -> None:
    assert plots.learning_curves([]) == []
    [one] = plots.learning_curves(history([0.4]), "val/unknown")
    assert one.data["best"] is None
    one.save(tmp_path)
    [gap] = plots.learning_curves(history([0.4, math.nan, math.inf, 0.001]))
    assert gap.data["curves"]["loss"]["val"] == [0.4, None, None, 0.001]
    gap.save(tmp_path)
    [nothing] = plots.learning_curves(history([math.nan, math.nan]))
    nothing.save(tmp_path)


def test_compare_ranks_runs_and_leaves_out_those_without_the_metric(tmp_path: Path) -> None:
    runs = {f"run {i} $": history([0.9, 0.1 * (i + 1)]) for i in range(9)} | {"other": [{"epoch": 1, "metrics": {}}]}
    plot = plots.compare(runs, "val/accuracy")
    assert [curve["best"] for curve in plot.data["curves"]] == pytest.approx([0.9 - 0.1 * i for i in range(9)])
    assert plot.data["curves"][0]["name"] == "run 0 $" and plot.data["left_out"] == 1
    assert title(plot) == "val/accuracy by epoch · best 0.9"
    assert title(plots.compare(runs, "val/accuracy", comparable=False)) == "val/accuracy by epoch"
    plot.save(tmp_path)


def test_compare_names_a_metric_that_nobody_recorded() -> None:
    with pytest.raises(ValueError, match="val/r2"):
        plots.compare({"a": history([0.5])}, "val/r2")
