"""Removes credentials from text that is written to files, logs, trackers and the screen."""

import re
from typing import Any

# user:password@ (or token@) after ://, up to the last @ of the host's part; SQLAlchemy's passwords may hold / ? #.
_CREDENTIALS = re.compile(r"(?<=://)(?:[^\s/?#]*@|[^\s/:@]*:(?!\d+(?:[/?#]|$))[^\s@]*@)")

# A password of a URL: after its user, or as a parameter.
_PASSWORD = re.compile(
    r"://[^\s/?#:@]*:(?!\d+(?:[/?#]|$))[^\s@]+@"
    r"|://[^\s/?#@]*:[^\s/?#@]+@"
    r"|://\S*[?&;](?:\w*password|passwd|pwd|\w*token|\w*secret)=[^&;\s]",
    re.IGNORECASE,
)


def has_password(text: str) -> bool:
    """Whether a text holds a URL with a password, such as `postgresql://user:password@host/database`."""
    return "://" in text and _PASSWORD.search(text) is not None


def redact(text: str) -> str:
    """Replaces `http://user:password@host` by `http://***@host` anywhere in the text."""
    return _CREDENTIALS.sub("***@", text) if "://" in text and "@" in text else text


def redacted(node: Any) -> Any:
    """Redacts all text in plain data, including keys."""
    if isinstance(node, str):
        return redact(node)
    if isinstance(node, dict):
        return {redacted(key): redacted(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [redacted(value) for value in node]
    return node
