"""Lines of code, without comments, docstrings and blank lines."""

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


def code_length(part: type | Callable[..., Any]) -> int:
    """Lines of code of a class or function."""
    return count_lines(textwrap.dedent(inspect.getsource(part)))


def count_lines(source: str) -> int:
    """Lines of code in Python source."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {
        line for token in tokens if token.type not in NO_CODE for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            docstring = node.body[0]
            lines -= set(range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1))
    return len(lines)
