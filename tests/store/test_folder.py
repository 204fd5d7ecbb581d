"""Run folders: never shared, never half-written."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from mlcli.config.errors import ConfigError
from mlcli.config.register import new_id
from mlcli.config.settings import settings
from mlcli.store.folder import RunFolder
from mlcli.store.records import read_json, write_json

AWKWARD = {
    "texts": [
        "1e-4",
        "0.5",
        "12",
        "yes",
        "null",
        "~",
        "",
        " a ",
        "a: b",
        "#",
        "ünïcode",
        "1_000",
        "2026-11-24",
    ],
    "numbers": [1e-4, 0.1, 1e300, 3, -0.0, 1e16, True, None],
    "nested": {"_target_": "torch.optim.Adam", "empty": {}, "none": [], "long": "word " * 60, "lines": "a\nb\n"},
    "x": "1:30",
}


def test_configs_are_written_as_omegaconf_writes_them(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", {})
    cfg = settings(AWKWARD)
    folder.write_config(cfg, ["optimizer.lr=1e-4", "name='a: b'"])
    assert folder.config() == cfg
    assert (folder.path / "config.yaml").read_text() == OmegaConf.to_yaml(OmegaConf.create(AWKWARD))
    assert OmegaConf.load(folder.path / "overrides.yaml") == ["optimizer.lr=1e-4", "name='a: b'"]


@pytest.mark.parametrize("text", ["name: ${oc.env:HOME}", "${x}: 1", "a: [&x 1, *x]", "[" * 100_000, "- 1", ""])
def test_only_plain_values_are_read(tmp_path: Path, text: str) -> None:
    folder = RunFolder.create(tmp_path / "run", {})
    (folder.path / "config.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"config\.yaml") as error:
        folder.config()
    assert "\n" not in str(error.value)


def test_one_list_in_two_places_is_written_twice(tmp_path: Path) -> None:
    folder, shared = RunFolder.create(tmp_path / "run", {}), [1, 2]
    folder.write_config(settings({"a": shared, "b": {"c": shared}}), [])
    assert folder.config() == {"a": [1, 2], "b": {"c": [1, 2]}}


def test_a_record_that_is_not_finite_can_be_read(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", {"swept": {"optimizer.lr": math.inf}, "started": 1.5})
    assert folder.record() == {"swept": {"optimizer.lr": None}, "started": 1.5}
    write_json(folder.path / "result.json", {"metrics": {"a": math.nan, "b": [1, {"c": True}]}, "none": {}})
    text = (folder.path / "result.json").read_text()
    assert json.loads(text) == {"metrics": {"a": None, "b": [1, {"c": True}]}, "none": {}}
    assert text.count("\n") == 6  # an entry on each line


def test_deeply_nested_json_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="nested deeper than"):
        read_json(tmp_path / "run.json")


def test_ids_of_one_second_differ() -> None:
    """With 32 random bits, 100 of them collide once in a million times."""
    assert len({new_id() for _ in range(100)}) == 100


def test_of_processes_that_want_one_folder_one_gets_it(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from mlcli.store.folder import RunFolder\n"
        "from mlcli.config.errors import ConfigError\n"
        "sys.stdin.readline()\n"
        "try:\n    RunFolder.create(Path('same'), {'pid': 1})\n"
        "except ConfigError as error:\n    print(error); sys.exit(2)\n"
    )
    command = [sys.executable, "-c", code]
    pipe = subprocess.PIPE
    rivals = [subprocess.Popen(command, cwd=tmp_path, stdin=pipe, stdout=pipe, text=True, env=None) for _ in range(4)]
    answers = [rival.communicate("go\n") for rival in rivals]
    assert sorted(rival.returncode for rival in rivals) == [0, 2, 2, 2]
    assert sum("holds a run already" in out for out, _ in answers) == 3


def test_unwritable_place_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="Cannot write to"):
        RunFolder.create(tmp_path / "file" / "runs" / "x", {})


def test_json_is_whole_and_has_no_nan(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"loss": math.nan, "list": [1.0, math.inf]})
    assert read_json(tmp_path / "a.json") == {"loss": None, "list": [1.0, None]}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_history_leaves_out_a_line_that_a_kill_cut_off(tmp_path: Path) -> None:
    line = json.dumps({"epoch": 1, "step": 1, "time": 1.0, "metrics": {}})
    (tmp_path / "metrics.jsonl").write_text(f"{line}\n{line[:10]}")
    assert len(RunFolder(tmp_path).history()) == 1
