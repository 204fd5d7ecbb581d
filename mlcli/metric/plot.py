"""A figure together with the plain data that it is drawn from."""

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 120


@dataclass(frozen=True)
class Plot:
    """`draw(**data)` gives the figure; `data` holds what JSON can hold, with None where a number is not finite."""

    name: str
    draw: "Callable[..., Figure]"
    data: dict[str, Any]

    def figure(self) -> "Figure":
        return self.draw(**self.data)

    def save(self, folder: Path) -> Path:
        """Writes name.json and name.png into the folder, which is made if need be. Returns the PNG's path."""
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / f"{self.name}.json", lambda path: _write_json(path, self.data))
        return self.save_png(folder / f"{self.name}.png")

    def save_png(self, path: Path) -> Path:
        """The picture alone, in a folder that exists."""
        return _write(path, lambda unfinished: _write_png(unfinished, self.figure()))


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


def _write(path: Path, write: Callable[[Path], None]) -> Path:
    """Whole files only: someone may be reading the folder while it is written."""
    unfinished = path.with_name(f".{path.name}.part")
    write(unfinished)
    return unfinished.replace(path)


def _write_json(path: Path, data: dict[str, Any]) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _write_png(path: Path, figure: "Figure") -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # class names in any script
        # Level 3 takes a third of the time of the default 6 and makes files about a tenth larger.
        figure.savefig(path, dpi=DPI, format="png", pil_kwargs={"compress_level": 3})
