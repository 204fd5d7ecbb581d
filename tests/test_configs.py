"""Every YAML under conf/ composes, passes its schema and builds, and says in its first line what it is."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from mlcli.config.check import check
from mlcli.config.compose import compose, hydra_session, shipped_conf, to_run
from mlcli.run.build import accepted_kinds, build

CONF = shipped_conf()
FILES = sorted(path.relative_to(CONF) for path in CONF.glob("*/*.yaml"))
SMALL_DATA = {"image": "digits", "vector": "iris", "sequence": "digits"}
NOT_HERE = {"cuda", "mps"}  # devices
OWN_FILES = {"mnist", "fashion_mnist"}  # need a download or a system package; built from small files in tests/data
PACKAGES = {"japanese_vowels": "aeon", "italy_power": "aeon", "mnist1d": "mnist1d"}  # that data sets are read from
PER_STEP = {"copy_memory"}  # data with an answer for each step, which these tasks do not learn


@pytest.mark.parametrize("path", FILES, ids=map(str, FILES))
def test_first_line_describes(path: Path) -> None:
    first = next(line for line in (CONF / path).read_text().splitlines() if not line.startswith("# @package"))
    assert first.startswith("# ") and 5 < len(first) < 120


@pytest.mark.parametrize("path", FILES, ids=map(str, FILES))
def test_composes_and_builds(path: Path) -> None:
    group, option = str(path.parent), path.stem
    overrides = [f"{group}={option}"]
    if group == "model":
        overrides.append(f"data={SMALL_DATA[accepted_kinds(yaml.safe_load((CONF / path).read_text()))[0]]}")
    if group == "data":
        overrides += _task_of(option)
    with hydra_session() as hydra:
        cfg = to_run(compose(hydra, overrides))
    check(cfg)
    if option in PACKAGES and find_spec(PACKAGES[option]) is None:
        pytest.skip(f"needs the package {PACKAGES[option]}")
    if option not in NOT_HERE | OWN_FILES | PER_STEP:
        parts = build(cfg)
        batch = next(iter(parts.task.batches(0)))
        assert parts.task.step(batch)["loss"].isfinite()


def _task_of(data: str) -> list[str]:
    if data in ("diabetes", "house_prices", "adding"):
        return ["task=regression", "model=mlp"]
    return ["model=rnn"] if data == "recall" else []
