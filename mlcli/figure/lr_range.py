"""A learning-rate range test."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import BLUE, HEADER, MARGIN, VERMILLION, brief, is_log, log_scale, page, panel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 5.4, 3.5
HIGH = 2.0  # times the loss of the lowest rate: higher losses are not shown


def lr_range(rates: Sequence[float], losses: Sequence[float], picked: float, steps: int) -> Plot:
    """lr_range: the loss of a range test at each learning rate, after `steps` optimisation steps."""
    data = {"rates": list(rates), "losses": plain(losses), "picked": picked, "steps": steps}
    return Plot("lr_range", render_lr_range, data)


def render_lr_range(rates: list[float], losses: list[float | None], picked: float, steps: int) -> "Figure":
    """Loss after `steps` optimisation steps at each learning rate; the picked one is marked."""
    note = f"training loss of one network per learning rate, after {steps} steps"
    title = f"Learning-rate range test · picked {brief(picked)}"
    figure = page(MARGIN + 0.75 + WIDTH + 0.3, 0.6 + HEIGHT + HEADER, title, note)
    axes = panel(figure, MARGIN + 0.75, 0.6, WIDTH, HEIGHT, "optimizer.lr", "train/loss")
    points = [(rate, loss) for rate, loss in zip(rates, losses, strict=True) if loss is not None]
    x, y = zip(*points, strict=True)
    axes.plot(x, y, color=BLUE, marker="o", markersize=4, linewidth=1.5)
    axes.set_xscale("log")
    axes.axvline(picked, color=VERMILLION, linewidth=1.4)
    shown = [loss for loss in y if loss <= HIGH * max(y[0], min(y))]
    if is_log(shown, 20):
        log_scale(axes, "y", shown)
    axes.set_ylim(top=1.1 * max(shown))
    return figure
