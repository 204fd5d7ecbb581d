"""The class or function that a `_target_` names. Importing it runs code of others, which may fail in any way."""

import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from mlcli.config.errors import ConfigError

INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
PACKAGE = str(Path(__file__).parents[1])


def locate(target: str, key: str = "_target_") -> Any:
    """The class or function with this dotted name. Raises ConfigError where there is none, and with the file and line
    if the import of its module fails."""
    module, _, name = target.rpartition(".")
    if not module:
        raise ConfigError(f"{key}={target}: use the full name of the class or function, as in MODULE.{target}.")
    try:
        found = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name is None or not _is_part(error.name, module):  # a module that this one imports
            raise ConfigError(f"{key}={target}: importing {module} fails: {_where(error)}") from error
        is_ours = error.name.startswith("mlcli.")
        hint = "" if is_ours else "; a module of your own must be beside your conf/, or in PYTHONPATH"
        raise ConfigError(f"{key}={target}: cannot be imported ({error}){hint}.") from error
    except (AttributeError, ValueError) as error:
        if _frames(error):
            raise ConfigError(f"{key}={target}: importing {module} fails: {_where(error)}") from error
        raise ConfigError(f"{key}={target}: cannot be imported ({error}).") from error
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{key}={target}: importing {module} fails: {_where(error)}") from error
    if not callable(found):
        raise ConfigError(f"{key}={target}: not a class or function.")
    return found


@contextmanager
def calling(target: str, key: str) -> Iterator[None]:
    """Turns what the class or function of others raises when it is called into ConfigError, with the file and line.
    A ValueError keeps its message, which is for the user, and exceptions of mlcli's own classes pass."""
    try:
        yield
    except ValueError:
        raise
    except Exception as error:
        if target.startswith("mlcli."):
            raise
        raise ConfigError(f"{key}={target}: {_where(error, only_own=True)}") from error


def _is_part(name: str, module: str) -> bool:
    return name == module or module.startswith(f"{name}.")


def _where(error: BaseException, only_own: bool = False) -> str:
    """The error in one line, with the file and line of the code that raised it; if only_own, not of a library."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:300].removesuffix(": ")
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({error.filename}, line {error.lineno})"
    frames = _frames(error)
    # The line of one's own code is more useful than that of a library that it called.
    own = [
        frame
        for frame in frames
        if not frame.filename.startswith((*INSTALLED, PACKAGE)) and "site-packages" not in Path(frame.filename).parts
    ]
    own = own or ([] if only_own else frames)
    return f"{reason} ({own[-1].filename}, line {own[-1].lineno})" if own else reason


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The calls in the imported code, without those of this file and of Python's import system."""
    frames = traceback.extract_tb(error.__traceback__)
    return [
        each
        for each in frames
        if each.filename != __file__ and not each.filename.startswith("<frozen") and "importlib" not in each.filename
    ]
