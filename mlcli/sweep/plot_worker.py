"""Preloaded by the fork server of the plot pool: imports matplotlib and lowers the process's priority on import.

Only the fork server and the processes of the pool may import this module.
"""

from concurrent.futures import process
from contextlib import suppress
from importlib import import_module
from io import BytesIO
from multiprocessing import synchronize

import matplotlib.backends.backend_agg
import PIL.PngImagePlugin

from mlcli.config.gc_policy import collect_rarely
from mlcli.figure.style import legend, page, panel
from mlcli.sweep import child_process
from mlcli.system import lower_priority

PRELOADED = (matplotlib.backends.backend_agg, PIL.PngImagePlugin)
# What a process would import before `setup_plot_process` has removed the user's own code from its path.
NEEDED_FIRST = (process, synchronize, child_process)
with suppress(ImportError):  # Windows has no fork server
    import_module("multiprocessing.popen_forkserver")


def warm_up() -> None:
    """Renders a figure and discards it, which fills the caches of matplotlib that make a first figure slow."""
    figure = page(3, 3, "0", "0")
    axes = panel(figure, 0.5, 0.5, 2, 2, "0", "0")
    legend(axes, axes.plot([0, 1], [0, 1]), ["0"])
    figure.savefig(BytesIO(), format="png")


lower_priority()
collect_rarely()
warm_up()
