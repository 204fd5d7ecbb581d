"""What the drawer's processes are forked from: with matplotlib loaded, and behind whatever trains. For them alone."""

import os
from io import BytesIO

import matplotlib.backends.backend_agg
import PIL.PngImagePlugin

from mlcli.config.gc_policy import collect_rarely
from mlcli.figure.style import legend, page, panel
from mlcli.track.process_limits import NICENESS

LOADED = (matplotlib.backends.backend_agg, PIL.PngImagePlugin)


def warm_up() -> None:
    """Draws a picture for nobody: in every process the first takes three times as long as the second."""
    figure = page(3, 3, "0", "0")
    axes = panel(figure, 0.5, 0.5, 2, 2, "0", "0")
    legend(axes, axes.plot([0, 1], [0, 1]), ["0"])
    figure.savefig(BytesIO(), format="png")


os.nice(NICENESS)
collect_rarely()
warm_up()
