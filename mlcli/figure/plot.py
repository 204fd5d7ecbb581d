"""A figure together with the plain data that it shows."""

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlcli.figure.style import write_subject
from mlcli.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI, FILM_DPI = 120, 80


@dataclass(frozen=True)
class Film:
    """An animation: `show(frame)` turns the figure into one of its frames, each of which lasts `seconds`."""

    figure: "Figure"
    frames: int
    show: Callable[[int], None]
    seconds: float

    def write(self, path: Path) -> None:
        """As a GIF, which repeats after twelve times as long on its last frame."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from PIL import Image

        self.figure.set_dpi(FILM_DPI)
        canvas: Any = FigureCanvasAgg(self.figure)
        pictures = []
        for frame in range(self.frames):
            self.show(frame)
            canvas.draw()
            pictures.append(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB"))
        duration = [round(1000 * self.seconds)] * (self.frames - 1) + [round(12_000 * self.seconds)]
        pictures[0].save(path, format="GIF", save_all=True, append_images=pictures[1:], duration=duration, loop=0)


@dataclass(frozen=True)
class Plot:
    """`render(**data)` makes the figure; `data` holds what JSON can hold, with None where a number is not finite.

    suffix: "png", or "gif" for a film. subject: what it is about, such as run, model and data.
    """

    name: str
    render: "Callable[..., Figure | Film]"
    data: dict[str, Any]
    suffix: Literal["png", "gif"] = "png"
    subject: str = ""

    def figure(self) -> "Figure":
        rendered = self._render()
        figure: Figure = rendered.figure if self.suffix == "gif" else rendered
        return figure

    def _render(self) -> Any:
        """The Figure or Film, with its subject."""
        rendered: Any = self.render(**self.data)
        if self.subject:
            write_subject(rendered.figure if self.suffix == "gif" else rendered, self.subject)
        return rendered

    def save(self, folder: Path) -> Path:
        """Writes name.json and name.png (or .gif) into the folder, created if missing; returns the image's path."""
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / f"{self.name}.json", _json(self.data))
        if self.suffix == "gif":
            return write_atomic(folder / f"{self.name}.gif", self._render().write)
        return self.save_png(folder / f"{self.name}.png")

    def save_png(self, path: Path) -> Path:
        """The image alone, into an existing folder."""
        return write_atomic(path, lambda unfinished: _write_png(unfinished, self.figure()))


def plain(values: Any) -> list[Any]:
    """An array of any shape as nested lists that JSON can hold: None stands for NaN and infinity."""
    array = np.asarray(values)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        finite = np.isfinite(array)
        array = array.astype(object)
        array[~finite] = None
    listed: list[Any] = array.tolist()
    return listed


def number(value: float) -> float | None:
    """A number as JSON can hold it: None for NaN and infinity."""
    return float(value) if np.isfinite(value) else None


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n"


def _write_png(path: Path, figure: "Figure") -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # class names in any script
        # Level 3 takes a third of the time of the default 6 and makes files about a tenth larger.
        figure.savefig(path, dpi=DPI, format="png", pil_kwargs={"compress_level": 3})
