"""A composed config: plain data whose nested settings can be read as attributes.

OmegaConf's containers check types, flags and interpolations at every access. Composing needs that; reading the
configs of a thousand trials does not, and would be slow.
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
    """Converts nested dictionaries to Settings, also inside lists."""
    if isinstance(node, dict):
        return Settings({name: settings(child) for name, child in node.items()})
    return [settings(child) for child in node] if isinstance(node, list) else node


def to_dicts(node: Any) -> Any:
    """The inverse of `settings`."""
    if isinstance(node, dict):
        return {name: to_dicts(child) for name, child in node.items()}
    return [to_dicts(child) for child in node] if isinstance(node, list) else node


def leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and values; elements of lists have their index as key."""
    if isinstance(node, dict | list):
        for name, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from leaves(child, f"{prefix}{name}.")
    else:
        yield prefix[:-1], node


def resolved(cfg: Any, throw_on_missing: bool = False) -> Any:
    """A config of OmegaConf as Settings, with interpolations resolved. Raises what OmegaConf raises."""
    return settings(OmegaConf.to_container(cfg, resolve=True, throw_on_missing=throw_on_missing))
