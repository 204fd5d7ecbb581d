"""Preloaded by the fork server of the plot pool: imports matplotlib and lowers the process's priority on import.

Only the fork server may import this module.
"""

import os
from concurrent.futures import process
from io import BytesIO
from multiprocessing import popen_forkserver, synchronize

import matplotlib.backends.backend_agg
import PIL.PngImagePlugin

from mlcli.config.gc_policy import collect_rarely
from mlcli.figure.style import legend, page, panel
from mlcli.sweep import child_process
from mlcli.track.process_limits import NICENESS

PRELOADED = (matplotlib.backends.backend_agg, PIL.PngImagePlugin)
# What a process would import before `setup_plot_process` has removed the user's own code from its path.
NEEDED_FIRST = (process, popen_forkserver, synchronize, child_process)


def warm_up() -> None:
    """Renders a figure and discards it, which fills the caches of matplotlib that make a first figure slow."""
    figure = page(3, 3, "0", "0")
    axes = panel(figure, 0.5, 0.5, 2, 2, "0", "0")
    legend(axes, axes.plot([0, 1], [0, 1]), ["0"])
    figure.savefig(BytesIO(), format="png")


os.nice(NICENESS)
collect_rarely()
warm_up()
