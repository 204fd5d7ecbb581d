"""Hourly electricity demand in Italy on 1,096 days, classified into winter and summer (Keogh et al. 2006)."""

from mlcli.loading.aeon_series import load_series
from mlcli.loading.dataset import Examples


def italy_power() -> Examples:
    """Sequences N × 24 × 1, each day with mean 0 and standard deviation 1; 67 training and 1,029 test days."""
    classes = ("October to March", "April to September")
    source = "aeon: UCR ItalyPowerDemand"
    return load_series("italy_power", "ItalyPowerDemand", target="season", source=source, classes=classes)
