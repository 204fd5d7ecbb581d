"""A run's config once it is composed: plain data, whose nested settings can be read as attributes too.

OmegaConf's own containers look at types, flags and interpolations at every access. That is what composing needs; a
sweep of a thousand trials, which reads its configs a million times, does not.
"""

from collections.abc import Iterator
from typing import Any

from omegaconf import OmegaConf


class Settings(dict[str, Any]):
    """`cfg.optimizer.lr` is `cfg["optimizer"]["lr"]`."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"there is no setting {name}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


def settings(node: Any) -> Any:
    """Nested dictionaries as Settings, whatever lies around them."""
    if isinstance(node, dict):
        return Settings({name: settings(child) for name, child in node.items()})
    return [settings(child) for child in node] if isinstance(node, list) else node


def leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys with their values, those of lists by their place."""
    if isinstance(node, dict | list):
        for name, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from leaves(child, f"{prefix}{name}.")
    else:
        yield prefix[:-1], node


def resolved(cfg: Any, throw_on_missing: bool = False) -> Any:
    """What OmegaConf holds, with its interpolations resolved, as Settings. Raises what OmegaConf raises."""
    return settings(OmegaConf.to_container(cfg, resolve=True, throw_on_missing=throw_on_missing))
