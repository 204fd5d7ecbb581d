"""Type annotations of constructors: whether a YAML value fits one, and what it allows, in words."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from mlcli.config.ranges import Range


def parameter_types(called: Callable[..., Any]) -> dict[str, Any]:
    """By parameter, with the ranges of `Annotated`; empty where the annotations cannot be evaluated."""
    function = called.__init__ if inspect.isclass(called) else called
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, TypeError):  # of another package
        return {}


def fits(hint: Any, value: Any) -> bool:
    """Whether a YAML value is valid for a parameter annotated with `hint`; unknown annotations accept any value."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        ranges = [extra for extra in arguments[1:] if isinstance(extra, Range)]
        number = isinstance(value, int | float)
        return fits(arguments[0], value) and all(value in r for r in ranges if number)
    if origin in (Union, UnionType):
        # `float | Tensor`, as of torch's optimizers: a tensor of one number.
        return any(fits(each, value) for each in arguments if not (_is_tensor(each) and float in arguments))
    if origin is Literal:
        return value in arguments
    if hint is Any:
        return True
    if _is_tensor(hint):
        return isinstance(value, int | float) or (isinstance(value, list) and all(fits(float, v) for v in value))
    if hint is float or hint is int:
        return isinstance(value, (int, float) if hint is float else int) and not isinstance(value, bool)
    if origin in (tuple, list) or (origin is not None and issubclass(origin, Sequence)):
        element = arguments[0] if arguments else Any
        return isinstance(value, Sequence) and not isinstance(value, str) and all(fits(element, v) for v in value)
    if hint in (str, bool, NoneType):
        return isinstance(value, hint)
    if origin is not None and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(fits(arguments[1], each) for each in value.values())
    is_plain = isinstance(value, str | int | float | bool) or (
        not (isinstance(value, Mapping) and "_target_" in value)
        and isinstance(value, Mapping | list)
        and not (inspect.isclass(hint) and issubclass(hint, Mapping | Sequence))
    )
    return not (inspect.isclass(hint) and is_plain)


def _is_tensor(hint: Any) -> bool:
    return inspect.isclass(hint) and (hint.__module__, hint.__name__) == ("torch", "Tensor")


def describe(hint: Any) -> str:
    """An annotation in words, such as `a number at least 0 and at most 1`."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return " ".join([describe(arguments[0]), *(str(a) for a in arguments[1:] if isinstance(a, Range))])
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(describe(argument) for argument in arguments))
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return f"values by name, each {describe(arguments[1])}"
    if origin is not None:
        return f"a list, each {describe(arguments[0])}" if arguments else "a list"
    names = {float: "a number", int: "a whole number", str: "text", bool: "true or false", NoneType: "null"}
    return names.get(hint, getattr(hint, "__name__", str(hint)))
