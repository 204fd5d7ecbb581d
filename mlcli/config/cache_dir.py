"""The location of the cache folder."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """$MLCLI_CACHE, else `mlcli` in the user's cache folder."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mlcli"
    return Path(os.path.expanduser(os.environ.get("MLCLI_CACHE") or default))
