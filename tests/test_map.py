"""docs/map.svg shows the packages and their imports, and is up to date."""

import importlib.util
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mlcli_map", SCRIPTS / "map.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(SCRIPTS))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(SCRIPTS))
    return module


def test_the_map_is_up_to_date(script: ModuleType) -> None:
    assert script.MAP.read_text(encoding="utf-8") == script.svg(), "the imports have changed: run `make map`"


def test_arrows_and_lists_are_all_imports(script: ModuleType) -> None:
    """Arrows removed by the transitive reduction are implied by others and listed in the box."""
    edges = {("top", "middle"), ("middle", "low"), ("top", "low"), ("top", "other")}
    assert script.reduced(edges) == edges - {("top", "low")}


def test_a_cycle_is_an_error(script: ModuleType) -> None:
    with pytest.raises(SystemExit, match="cycle among a, b"):
        script.layers({"a", "b", "c"}, {("a", "b"), ("b", "a"), ("a", "c")})


def test_layers_follow_the_longest_chain(script: ModuleType) -> None:
    assert script.layers({"a", "b", "c"}, {("a", "b"), ("b", "c"), ("a", "c")}) == [["c"], ["b"], ["a"]]


def test_boxes_of_a_layer_do_not_overlap(script: ModuleType) -> None:
    rooms = [list("abc"), list("def"), ["top"]]
    edges = {(one, two) for one in "def" for two in "abc"} | {("top", each) for each in "defabc"}
    layout = script.lay_out(rooms, edges)
    for layer in rooms:
        x = sorted(layout.x[room] for room in layer)
        assert all(right - left > 1.1 for left, right in pairwise(x))
