"""mlcli: deep-learning experiments from the command line."""

from mlcli.moved import install

__version__ = "0.1.0"
install()
