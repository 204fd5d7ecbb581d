"""A pole on a cart, as a film."""

from math import cos, sin

import numpy as np

from mlcli.figure.plot import Film, Plot, plain
from mlcli.figure.style import BLUE, GREY, HEADER, INK, MARGIN, PALE, VERMILLION, blank, brief, page

ACROSS, DOWN = 5.8, 1.5  # metres that are shown
FAR = 2.4  # metres, how far off the cart may be
INCHES = 0.85  # of a metre
CART, POLE = (0.4, 0.22), 1.0  # metres
GROUND = 1.25  # metres from above
EVERY, FRAMES = 2, 100  # every second time step is a frame, up to this number of frames
STEP_SECONDS = 0.02  # of the environment


def episode_film(observations: np.ndarray, which: tuple[int, float, int]) -> Plot:
    """episode_film: the end of an episode, from its T × D observations. which: the number of the episode, its return,
    and the number of episodes of which that is the lowest."""
    number, total, episodes = which
    steps = np.arange(len(observations))[::-EVERY][:FRAMES][::-1]  # the last step is among them
    data = {
        "title": f"Episode {number} · return {brief(total)}",
        "note": f"end of the episode with the lowest return of {episodes:,}, in real time",
        "states": plain(observations[steps][:, [0, 2]]),
        "steps": steps.tolist(),
        "seconds": EVERY * STEP_SECONDS,
    }
    return Plot("episode_film", render_film, data, "gif")


def render_film(title: str, note: str, states: list[list[float]], steps: list[int], seconds: float) -> Film:
    """One frame a state: the cart's position in metres and the pole's angle in radians, with the step that it was."""
    from matplotlib.patches import Rectangle

    width, height = ACROSS * INCHES, DOWN * INCHES
    figure = page(width + 2 * MARGIN, HEADER + height + MARGIN, title, note)
    axes = blank(figure, MARGIN, MARGIN, width, height)
    axes.set_xlim(-ACROSS / 2, ACROSS / 2)
    axes.set_ylim(DOWN, 0)
    axes.hlines(GROUND, -ACROSS / 2, ACROSS / 2, color=PALE, linewidth=1.5)
    axes.vlines([-FAR, 0, FAR], GROUND, GROUND + 0.08, color=GREY, linewidth=1.5)
    cart = Rectangle((0, GROUND - CART[1]), *CART, color=BLUE)
    axes.add_patch(cart)
    (pole,) = axes.plot([], [], color=VERMILLION, linewidth=5, solid_capstyle="round")
    words = axes.text(-ACROSS / 2, DOWN - 0.02, "", size=9, color=INK)

    def show(frame: int) -> None:
        position, angle = states[frame]
        foot = GROUND - CART[1]
        cart.set_x(position - CART[0] / 2)
        pole.set_data([position, position + POLE * sin(angle)], [foot, foot - POLE * cos(angle)])
        words.set_text(f"step {steps[frame]}")

    return Film(figure, len(states), show, seconds)
