"""Every YAML under conf/ composes, is valid, builds, and has a description in its first line."""

from pathlib import Path

import pytest
import yaml

from mlcli.config.check import check
from mlcli.config.compose import shipped_conf
from mlcli.config.locate import locate
from mlcli.run.build import build
from mlcli.run.compatible import accepted_kinds
from mlcli.run.data import build_data
from mlcli.traits import model_traits
from tests.configs import run_config

CONF = shipped_conf()
FILES = sorted(path.relative_to(CONF) for path in CONF.glob("*/*.yaml"))
SMALL_DATA = {
    "image": "digits",
    "vector": "iris",
    "table": "iris",
    "sequence": "digits",
    "tokens": "recall",
    "state": "gridworld",
}
SMALL = dict.fromkeys(("resnet18", "resnet34", "resnet50"), "model.width=8")  # tests/model/ has their full size
SMALL["efficientnet_lite0"] = "model.size=32"
ABSENT_DEVICES = {"cuda", "mps"}
OWN_FILES = {"mnist", "fashion_mnist", "movie_reviews", "omniglot"}  # of no package; built in tests/data
OWN_TABLES = {"csv", "parquet", "arrow", "jsonl", "sql"}  # task=auto would read the user's file
OPTIONAL = {"japanese_vowels", "italy_power", "minilm", "mlp_keras"}  # need packages that `make optional` installs
BUILT = [pytest.param(path, marks=[pytest.mark.optional] if path.stem in OPTIONAL else []) for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=map(str, FILES))
def test_first_line_describes(path: Path) -> None:
    first = next(line for line in (CONF / path).read_text().splitlines() if not line.startswith("# @package"))
    assert first.startswith("# ") and 5 < len(first) < 120


@pytest.mark.parametrize("path", BUILT, ids=map(str, FILES))
def test_composes_and_builds(path: Path) -> None:
    group, option = str(path.parent), path.stem
    overrides = small_model(option) if group == "model" else [f"{group}={option}"]
    if group == "data" and option in OWN_TABLES:
        overrides.append("task=regression")
    elif group == "data" and option not in OWN_FILES:
        overrides += _task_of(option)
    cfg = run_config(*overrides)
    check(cfg)
    if option not in ABSENT_DEVICES | OWN_FILES | OWN_TABLES:
        parts = build(cfg)
        batch = next(iter(parts.task.batches(0)))
        assert parts.task.step(batch)["loss"].isfinite()


def small_model(option: str) -> list[str]:
    """Overrides for a model with data and a task that fit."""
    node = yaml.safe_load((CONF / "model" / f"{option}.yaml").read_text())
    traits = model_traits(locate(node["_target_"]))
    task = traits.trained_by or ("reconstruction" if traits.reconstructs else None)
    chosen = [f"model={option}", f"data={SMALL_DATA[accepted_kinds(node)[0]]}", *([f"task={task}"] if task else [])]
    return [*chosen, SMALL[option]] if option in SMALL else chosen


def _task_of(data: str) -> list[str]:
    """Task and model for data that do not fit the defaults."""
    examples = build_data(run_config(f"data={data}")).examples
    if examples.kind == "vector" and examples.world is not None:
        return ["task=dqn"]
    if examples.kind == "state":
        return ["task=control"]
    model = {"vector": "mlp", "image": "cnn"}.get(examples.kind, "gru")
    if examples.targets.ndim == 1:
        return [f"model={model}", f"task={'classification' if examples.classes else 'regression'}"]
    if examples.targets.is_floating_point():
        return ["task=multi_label"]
    return ["task=sequence_labelling" if examples.classes else "task=language_model"]
