"""What trainer.layer_statistics has recorded over the epochs: pictures of gradients and activations by layer."""

from collections.abc import Sequence
from typing import Any

from mlcli.figure import layer_statistics as axes
from mlcli.figure.plot import Plot
from mlcli.metric.curves import History, series

GRADIENTS = (("gradient_norm", "log"),)
ACTIVATIONS = (("activation_mean", "signed"), ("activation_std", "log"))


def layer_figures(history: History) -> list[Plot]:
    """gradient_flow and activations, as far as they were recorded."""
    made = [_plot("gradient_flow", history, GRADIENTS), _plot("activations", history, ACTIVATIONS)]
    return [plot for plot in made if plot is not None]


def _plot(name: str, history: History, kinds: Sequence[tuple[str, str]]) -> Plot | None:
    maps: list[dict[str, Any]] = []
    for kind, scale in kinds:
        names = [key for key in (history[0]["metrics"] if history else ()) if key.startswith(f"{kind}/")]
        if names:
            layers = [key.partition("/")[2] for key in names]
            maps.append(
                {"kind": kind, "scale": scale, "layers": layers, "values": [series(history, n) for n in names]}
            )
    if not maps:
        return None
    epochs = [int(record["epoch"]) for record in history]
    return Plot(name, axes.layers, {"epochs": epochs, "maps": maps})
