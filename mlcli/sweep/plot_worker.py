"""Preloaded by the fork server of the plot pool: imports matplotlib and lowers the process's priority on import.

Only the fork server may import this module.
"""

import os
from io import BytesIO

import matplotlib.backends.backend_agg
import PIL.PngImagePlugin

from mlcli.config.gc_policy import collect_rarely
from mlcli.figure.style import legend, page, panel
from mlcli.track.process_limits import NICENESS

PRELOADED = (matplotlib.backends.backend_agg, PIL.PngImagePlugin)


def warm_up() -> None:
    """Renders a figure and discards it, which fills the caches of matplotlib that make a first figure slow."""
    figure = page(3, 3, "0", "0")
    axes = panel(figure, 0.5, 0.5, 2, 2, "0", "0")
    legend(axes, axes.plot([0, 1], [0, 1]), ["0"])
    figure.savefig(BytesIO(), format="png")


os.nice(NICENESS)
collect_rarely()
warm_up()
