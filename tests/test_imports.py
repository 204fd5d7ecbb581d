"""Import directions (docs/architecture.md): no package imports a higher one, no cycles, and --help loads no torch."""

import ast
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "mlcli"

# A room may import itself and the modules of ANYWHERE, which import none of mlcli but each other.
ANYWHERE = {
    "mlcli.batch_sizes",
    "mlcli.cannot_stack",
    "mlcli.evenly",
    "mlcli.files",
    "mlcli.locks",
    "mlcli.packages",
    "mlcli.padding",
    "mlcli.precise",
    "mlcli.random_numbers",
    "mlcli.renamed",
    "mlcli.system",
    "mlcli.traits",
    "mlcli.writers",
    "mlcli.config.ranges",
    "mlcli.config.cache_dir",
    "mlcli.metric.comparison",
    "mlcli.metric.direction",
    "mlcli.metric.suggestion",
    "mlcli.metric.normal",
}
MAY_IMPORT = {
    "config": set(),
    "loading": set(),
    "data": {"loading"},
    "model": set(),
    "metric": set(),
    "figure": set(),
    "train": set(),
    "task": {"metric", "figure", "train", "loading"},
    "machine": {"config"},
    "store": {"config"},
    "track": {"config", "store"},
    "run": {"config", "loading", "machine", "metric", "figure", "store", "train", "track"},
    "sweep": {"config", "machine", "metric", "figure", "run", "store", "track", "train"},
    "serve": {"config", "loading", "machine", "run", "store", "track"},
    "experiment": {
        *("config", "data", "figure", "loading", "metric", "model", "run", "serve", "store", "task", "train")
    },
    "cli": {"config", "figure", "run", "store", "sweep", "serve", "track", "metric"},
}
FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES
}
MAX_LINES, MAX_FUNCTION_LINES = 300, 60


def imports(path: Path) -> set[str]:
    """Every module that the file imports, also inside of functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PACKAGE)) for path in FILES])
def test_no_package_imports_a_higher_one(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0]
    for module in imports(path):
        parts = module.split(".")
        if parts[0] != "mlcli" or len(parts) < 2 or room not in MAY_IMPORT:
            continue
        allowed = parts[1] == room or parts[1] in MAY_IMPORT[room] or module in ANYWHERE
        assert allowed, f"{room} must not import {module}"


@pytest.mark.parametrize("module", sorted(ANYWHERE))
def test_what_everything_may_import_imports_nothing_else(module: str) -> None:
    assert {each for each in imports(MODULES[module]) if each.startswith("mlcli")} <= ANYWHERE


def cycles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The modules that are left when all without an import among the others have been removed, again and again, and
    likewise all that no other imports: those on a cycle, and those between two cycles."""
    left = {module: set(imported) for module, imported in graph.items()}
    while True:
        imported_by_any = set().union(*left.values())
        ends = {module for module, imported in left.items() if not imported or module not in imported_by_any}
        if not ends:
            return [[module, *sorted(imported)] for module, imported in sorted(left.items())]
        left = {module: imported - ends for module, imported in left.items() if module not in ends}


def test_cycles_are_found() -> None:
    assert cycles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == [["b", "c"], ["c", "b"]]
    assert cycles({"a": {"a"}}) == [["a", "a"]]


def test_no_module_imports_itself_through_others() -> None:
    """Neither within a package nor across packages; imports inside of functions and for type checking count too."""
    graph: dict[str, set[str]] = {}
    for module, path in MODULES.items():
        found: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                found |= {name if name in MODULES else str(node.module) for name in names}
        graph[module] = found & MODULES.keys()
    assert cycles(graph) == []


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PACKAGE)) for path in FILES])
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < MAX_FUNCTION_LINES, node.name


def test_one_module_instantiates() -> None:
    callers = {path.name for path in FILES if "hydra.utils" in imports(path)}
    assert callers == {"partial.py"}


def test_run_imports_no_concrete_class() -> None:
    for path in (PACKAGE / "run").glob("*.py"):
        assert not any(module.startswith(("mlcli.model", "mlcli.task")) for module in imports(path)), path


def test_training_never_imports_mlflow() -> None:
    users = {
        path.relative_to(PACKAGE).parts[0] for path in FILES if any(m.startswith("mlflow") for m in imports(path))
    }
    assert users <= {"track", "serve"}  # and no room that trains may import `serve`


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["train", "-h"], ["runs", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        f"import sys; sys.argv = ['mlcli', *{arguments!r}]\n"
        "from mlcli.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = {'torch', 'hydra', 'mlflow', 'sklearn', 'numpy', 'matplotlib', 'omegaconf'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "train" in done.stdout or "Usage" in done.stdout
