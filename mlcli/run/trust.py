"""What a config read from disk may build. A run that somebody sent must not be able to run what it likes."""

import inspect
import os
from collections.abc import Iterator
from typing import Any

from mlcli.config.check import locate
from mlcli.config.errors import ConfigError

TRUSTED = ("mlcli", "torch.nn", "torch.optim")


def check_targets(config: Any) -> None:
    """Raises ConfigError for a `_target_` outside the trusted packages and those named in $MLCLI_TRUST.

    What counts is where the object was defined: `mlcli.x.subprocess.run` is subprocess's.
    """
    allowed = (*TRUSTED, *filter(None, os.environ.get("MLCLI_TRUST", "").split(",")))
    for target in _targets(config):
        package = target.partition(".")[0]
        trusted = _within(target, allowed) and _within(_home(target), allowed)
        if not trusted and not _is_estimator(target):
            raise ConfigError(
                f"The run would build {target}, which is not trusted: if you know it, type MLCLI_TRUST={package} "
                "before the command."
            )


def _is_estimator(target: str) -> bool:
    """Whether it is a class of scikit-learn with settings of its own, which only stores them when it is built."""
    if not _within(target, ("sklearn",)) or not _within(_home(target), ("sklearn",)):
        return False
    found = locate(target)
    return inspect.isclass(found) and hasattr(found, "get_params")


def _home(target: str) -> str:
    found = locate(target)
    return f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}"


def _within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _targets(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "_target_":
                yield str(value)
            else:
                yield from _targets(value)
    elif isinstance(node, list):
        for value in node:
            yield from _targets(value)
