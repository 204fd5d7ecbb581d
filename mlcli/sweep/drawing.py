"""What the drawer's processes are forked from: with matplotlib loaded, and behind whatever trains. For them alone."""

import gc
import os

import matplotlib.backends.backend_agg
import PIL.PngImagePlugin

from mlcli.track.courier import COLLECT_EVERY, NICE

LOADED = (matplotlib.backends.backend_agg, PIL.PngImagePlugin)

os.nice(NICE)
gc.set_threshold(COLLECT_EVERY, 20, 100)
