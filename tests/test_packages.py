"""Hints at optional packages name those, never mlcli, which is in no registry: a stranger could publish it there."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from mlcli.packages import needs

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("mlcli", "hydra_plugins", "conf", "docs", "benchmarks", "scripts")
FILES = [path for name in FOLDERS for path in (ROOT / name).rglob("*") if path.suffix in (".py", ".md", ".yaml")]
FILES += [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile", ".ci/run")]
# mlcli as an argument of an installer, or as a requirement; paths to a checkout or a wheel are fine.
BY_NAME = re.compile(r"(pip install|pip3 install|pipx install|uv add|uv pip install|uv tool install|uvx|poetry add)\b"
                     r"[^\n`#&]*[ '\"]mlcli(\[|[ '\"`,.;)]|$|==|>=)", re.M)  # fmt: skip
EXTRA = re.compile(r"\bmlcli\[[\w,]+\]")


@pytest.mark.parametrize("text", [
    "pip install mlcli", "pip install 'mlcli[data]'", "run pip install -q mlcli==1.0", "`uv add mlcli`", "uvx mlcli",
])  # fmt: skip
def test_what_is_searched_for(text: str) -> None:
    assert BY_NAME.search(text)


@pytest.mark.parametrize("text", [
    "pip install tensorboard, as mlcli says", "pip install -e '.[data]'",
    "pip install dist/mlcli-0.1.0-py3-none-any.whl",
    "pip install torch && cd mlcli", "pip install ./mlcli",
])  # fmt: skip
def test_what_is_allowed(text: str) -> None:
    assert not BY_NAME.search(text.partition(", as")[0])


def test_no_file_installs_mlcli_by_name() -> None:
    assert len(FILES) > 400
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        found = BY_NAME.search(text) or EXTRA.search(text)
        assert not found, f"{path.relative_to(ROOT)}: {found and found[0]}"


def test_hints_name_the_packages_of_pyproject() -> None:
    """Each package in a hint is one that mlcli declares, or is pinned for `--no-deps`."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    known = {re.split(r"[>=<;\[ ]", line)[0] for lines in declared.values() for line in lines}
    calls = 0
    for path in (ROOT / "mlcli").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "needs"):
                continue
            calls += 1
            pinned = any(each.arg == "options" for each in node.keywords)
            names = {each.value for each in node.args[1:] if isinstance(each, ast.Constant)}
            assert pinned or names <= known, (path, names - known)
    assert calls > 8


def test_a_hint() -> None:
    assert needs("data=mnist1d", "mnist1d") == "data=mnist1d needs mnist1d: run pip install mnist1d"
    assert needs("model=x", "a==1.0", options="--no-deps") == "model=x needs a: run pip install --no-deps a==1.0"
    assert needs("model=x", "a", "b").endswith("needs a and b: run pip install a b")
