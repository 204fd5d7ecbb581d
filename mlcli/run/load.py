"""Rebuilds a finished run from its folder: with its data for evaluation, without for prediction.

Folders are not trusted: anyone may have written them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from mlcli.config.errors import ConfigError
from mlcli.config.settings import Settings
from mlcli.loading.dataset import DataSet
from mlcli.loading.make_dataset import restored, with_texts
from mlcli.loading.preprocessing import Unchanged
from mlcli.loading.table.schema import Schema
from mlcli.loading.vocabulary import with_vocabulary
from mlcli.machine.compiler import defer_compiler
from mlcli.random_numbers import keep_states
from mlcli.run.build import Parts, build
from mlcli.run.data import build_data, build_examples
from mlcli.run.described import without_examples
from mlcli.run.own_table import is_own_table, without_parts
from mlcli.run.trust import EVALUATION, PREDICTION, trusted
from mlcli.store.folder import RunFolder, plain
from mlcli.store.records import read_json
from mlcli.store.weights import load_tensors, load_weights

LISTED = 20  # classes or tokens in a message


def stored_config(folder: RunFolder, groups: Sequence[str] = EVALUATION) -> Settings:
    """The groups of a run's config that evaluation builds. Raises ConfigError if one would build anything that is not
    trusted (`mlcli.run.trust`)."""
    return trusted(folder.config(), folder.path.name, groups)


def load_run(folder: RunFolder, cfg: Settings, own_examples: bool = True, changed_data: bool = False) -> Parts:
    """The run with its best weights, on its own splits (own_examples) or on the data that `cfg` describes.

    cfg: of this process, or from `stored_config`. In both cases inputs are normalised with the statistics of the
    run's training split. Raises ConfigError if the run has no weights, cannot be rebuilt, or was trained on other
    classes or shapes; and if its own examples have changed since, unless `changed_data`.
    """
    with _loading(folder.path.name):
        return _load_run(folder, cfg, own_examples, changed_data)


def _load_run(folder: RunFolder, cfg: Settings, own_examples: bool, changed_data: bool) -> Parts:
    stored = folder.path / "model" / "weights.safetensors"
    if not stored.exists():
        raise ConfigError(f"{folder.path.name} has no trained model: it did not finish.")
    weights, buffers = load_weights(stored)
    described = read_json(folder.path / "data.json")
    built = _data(cfg, described, own_examples)
    if own_examples and built.kind == "tokens" != described["kind"]:
        raise ConfigError(
            f"data={built.name} was kind {described['kind']} when the run was trained, and is text in this version "
            "of mlcli: train it again to evaluate it; predict and serve need no data"
        )
    _must_match(built, described)
    is_own = built.is_described_by(described)
    if own_examples and not is_own and not changed_data:
        raise ConfigError(
            f"data={built.name} has changed since the run was trained: its test split may hold what the run was "
            "trained on; use --changed-data to evaluate it nevertheless"
        )
    if not own_examples and is_own:
        raise ConfigError(
            "These are the run's own examples, split anew: the test split would hold some that it was trained on. "
            "Use --split, or other data."
        )
    splits = _splits(folder, len(built.examples.inputs)) if own_examples else built.splits
    fitted = restored(buffers, built.examples)
    parts = build(cfg, DataSet(with_texts(built.examples, fitted), splits, fitted), weights_later=True)
    _load_weights(parts, weights)
    return parts


def _data(cfg: Settings, described: dict[str, Any], own_examples: bool) -> DataSet:
    """The data of the config. Texts are read with the vocabulary of the run, and a table by its schema; of one that
    the run was not trained on, all rows are the test split."""
    if "schema" not in described or not is_own_table(cfg):
        return _as_described(build_data(cfg), described)
    if not own_examples:
        cfg = without_parts(cfg)
    examples = build_examples(cfg, Schema.from_json(described["schema"]))
    none = torch.empty(0, dtype=torch.int64)
    splits = {"train": none, "val": none, "test": torch.arange(len(examples.inputs))}
    return DataSet(examples, splits, Unchanged(torch.zeros(1), torch.ones(1)))


def _as_described(data: DataSet, described: dict[str, Any]) -> DataSet:
    """With the vocabulary of the run, if both are text. Those of other texts differ, and those of runs before mlcli
    fitted vocabularies to the training split."""
    known, tokenizer = tuple(described.get("vocabulary", ())), data.examples.tokenizer
    if not tokenizer or described.get("tokenizer") != tokenizer or known == data.vocabulary:
        return data
    return replace(data, examples=with_vocabulary(data.examples, known))


def load_model(folder: Path) -> Parts:
    """A run's `model` folder without its data, for prediction on the CPU, in evaluation mode. Raises ConfigError if
    it is not trusted or cannot be rebuilt.

    Threads, determinism and random states of the process stay as they are.
    """
    name = folder.absolute().parent.name
    with _loading(name):
        stored = read_json(folder / "model.json")
        cfg = trusted(plain(stored["config"], f"{name}/model/model.json"), name, PREDICTION)
        cfg.device.name, cfg.device.compile = "cpu", False  # compilation takes longer than most predictions
        weights, buffers = load_weights(folder / "weights.safetensors")
        defer_compiler()
        with keep_states():  # building a network initialises its weights
            parts = build(cfg, without_examples(stored["data"], buffers), weights_later=True, set_up=False)
        _load_weights(parts, weights)
        parts.model.eval()
        return parts


@contextmanager
def _loading(name: str) -> Iterator[None]:
    """Turns errors into ConfigError: a damaged folder may lack anything, or hold values of other types."""
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise ConfigError(f"{name} cannot be loaded ({type(error).__name__}: {reason})") from error


def _load_weights(parts: Parts, weights: dict[str, torch.Tensor]) -> None:
    """Loads them. Raises ConfigError for weights of another network: other names, shapes or types."""
    here = parts.model.state_dict()
    for name in set(here) & set(weights):
        if isinstance(here[name], torch.Tensor) and here[name].dtype != weights[name].dtype:
            raise ConfigError(f"weights of another network: {name} is {weights[name].dtype}, not {here[name].dtype}")
    try:
        parts.load_weights(weights)
    except (RuntimeError, KeyError, IndexError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ConfigError(f"weights of another network: {reason}") from error


def _splits(folder: RunFolder, examples: int) -> dict[str, torch.Tensor]:
    """The run's own splits. Raises ConfigError if they are not indices of the examples."""
    found = load_tensors(folder.path / "splits.safetensors")
    for name in ("train", "val", "test"):
        indices = found.get(name)
        if indices is None or indices.dtype != torch.int64 or indices.ndim != 1:
            raise ConfigError(f"{folder.path.name}/splits.safetensors: no indices called {name}")
        if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < examples:
            raise ConfigError(
                f"{folder.path.name}/splits.safetensors: {name} has indices beyond the {examples} examples"
            )
    return found


def _must_match(data: DataSet, described: dict[str, Any]) -> None:
    known = {"shape": data.shape, "classes": data.classes, "vocabulary": data.vocabulary}
    for what, here in ((name, list(value)) for name, value in known.items()):
        there = described.get(what, [])
        if there != here:
            raise ConfigError(
                f"The run was trained on {what} {_shortened(there)}; data={data.name} has {_shortened(here)}."
            )


def _shortened(values: list[Any]) -> str:
    more = f" and {len(values) - LISTED:,} more" if len(values) > LISTED else ""
    return f"{values[:LISTED]}{more}"
