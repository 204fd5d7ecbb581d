"""How often Python looks for garbage. Free of everything, so that it can be imported from anywhere."""

import gc

# Objects made until Python next looks. Importing torch makes a million and no garbage, and at the default of 700
# looking takes half a second of it.
COLLECT_EVERY = 50_000


def collect_rarely() -> None:
    """From now on, also where it did not look at all."""
    gc.set_threshold(COLLECT_EVERY, 20, 100)
    gc.enable()
