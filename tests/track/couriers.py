"""A courier in this process."""

from pathlib import Path

from mlcli.track.courier import Courier


def run_courier(outputs: Path, *folders: Path, is_live: bool = False) -> Courier:
    """Delivers these runs, and all others that wait for delivery."""
    courier = Courier(outputs, "", "tests")
    for folder in folders:
        courier.follow(folder, is_live)
    courier.finish()
    for delivery in courier.deliveries.values():
        delivery.release()
    return courier
