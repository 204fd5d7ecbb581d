"""The packages that an MLflow model requires, from the config of its run and the code that it imports.

They are stated, because MLflow would infer them by loading the model in another process.
"""

import ast
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import distribution, packages_distributions, version
from typing import Any

import yaml

from mlcli.config.stored import targets
from mlcli.track.model_code import PACKAGE, top_level

BASE = ("mlflow", "torch", "hydra-core", "omegaconf", "safetensors")  # of every model
# What these install or need, and so has no line of its own.
INCLUDED = {"mlcli", "mlflow", "torch", "hydra", "omegaconf", "safetensors", "numpy", "pandas", "sklearn", "scipy"}
INCLUDED |= {"matplotlib", "PIL", "yaml", "skops", "joblib", "rich", "typer", *sys.stdlib_module_names}
BUILT = ("task", "model")  # groups of the config that prediction builds


@dataclass(frozen=True)
class Requirements:
    """packages: lines such as torch==2.13.0. modules: what must be importable and is in no package of a registry."""

    packages: tuple[str, ...]
    modules: tuple[str, ...] = ()

    def files(self) -> dict[str, str]:
        """The three formats that MLflow reads."""
        python = platform.python_version()
        virtual = {"python": python, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
        conda = {"channels": ["conda-forge"], "dependencies": [f"python={python}", "pip", {"pip": [*self.packages]}]}
        return {
            "requirements.txt": "\n".join(self.packages),
            "python_env.yaml": yaml.safe_dump(virtual, sort_keys=False),
            "conda.yaml": yaml.safe_dump({"name": "mlflow-env", **conda}, sort_keys=False),
        }


def requirements(config: Mapping[str, Any], sources: Mapping[str, str]) -> Requirements:
    """Of a model with this config. sources: the user's modules that are part of the model, by path."""
    built = sorted({target for key in BUILT for target in targets(config.get(key))})
    return _requirements(tuple(built), tuple(sorted(sources.items())))


@lru_cache(maxsize=64)
def _requirements(built: tuple[str, ...], sources: tuple[tuple[str, str], ...]) -> Requirements:
    names = {target.partition(".")[0] for target in built}
    for _, text in sources:
        names |= {name.partition(".")[0] for name in _imports(text)}
    names |= _imported_by_mlcli(built)
    packages, modules = [*map(_pinned, BASE)], []
    for name in sorted(names - INCLUDED - top_level(dict(sources))):
        found = _distributions(name)
        packages += [_pinned(each) for each in found]
        modules += [] if found else [name]
    return Requirements(tuple(dict.fromkeys(packages)), tuple(modules))


def _imports(text: str) -> set[str]:
    """The dotted names of the modules that the code imports, at any place."""
    try:
        nodes = [*ast.walk(ast.parse(text))]
    except (SyntaxError, ValueError, RecursionError):
        return set()
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    absolute = [node for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return names | {node.module for node in absolute if node.module}


def _imported_by_mlcli(built: Iterable[str]) -> set[str]:
    """What mlcli's own models and tasks among these import from other packages, also through each other."""
    waiting, seen, names = [target.rpartition(".")[0] for target in built], set[str](), set[str]()
    while waiting:
        module = waiting.pop()
        if module in seen or not module.startswith(("mlcli.model.", "mlcli.task.")):
            continue
        seen.add(module)
        path = PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py")
        found = _imports(path.read_text(encoding="utf-8")) if path.is_file() else set()
        waiting += found
        names |= {name.partition(".")[0] for name in found}
    return names


@cache
def _distributions(module: str) -> tuple[str, ...]:
    """The installed packages with this module, if they come from a registry; one installed from a folder, an archive
    or a repository may have the name of a stranger's package there."""
    found = sorted({*_packages().get(module, ())})
    return () if any(distribution(each).read_text("direct_url.json") for each in found) else tuple(found)


@cache
def _packages() -> Mapping[str, list[str]]:
    return packages_distributions()


@cache
def _pinned(name: str) -> str:
    """The package with its version, without the suffix of a build such as +cpu, which no registry has."""
    return f"{name}=={version(name).partition('+')[0]}"
