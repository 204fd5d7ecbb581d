"""How long code is: lines that hold some, without comments, docstrings and empty ones."""

import ast
import inspect
import io
import textwrap
import tokenize
from collections.abc import Callable
from typing import Any

NO_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


def lines_of(part: type | Callable[..., Any]) -> int:
    """Lines of code of a class or function."""
    return count(textwrap.dedent(inspect.getsource(part)))


def count(source: str) -> int:
    """Lines of code in Python source."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    held = {line for token in tokens if token.type not in NO_CODE for line in range(token.start[0], token.end[0] + 1)}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            docstring = node.body[0]
            held -= set(range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1))
    return len(held)
