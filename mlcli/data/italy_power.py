"""Winter or summer, by a day's electricity demand in Italy: 1,096 days of 24 hours (Keogh et al. 2006)."""

from mlcli.loading.aeon_series import load_series
from mlcli.loading.dataset import Examples


def italy_power() -> Examples:
    """Sequences N × 24 × 1, each day with mean 0 and deviation 1; 67 days to train with, 1,029 to test on."""
    classes = ("October to March", "April to September")
    source = "aeon: UCR ItalyPowerDemand"
    return load_series("italy_power", "ItalyPowerDemand", target="season", source=source, classes=classes)
