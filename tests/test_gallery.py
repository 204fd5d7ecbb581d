"""docs/gallery, which `make chapter` writes: every experiment in order of its section, without local paths."""

import re
from pathlib import Path

import pytest

from mlcli.config import index

GALLERY = Path(__file__).resolve().parent.parent / "docs" / "gallery"


@pytest.fixture(scope="module")
def page() -> str:
    return (GALLERY / "README.md").read_text(encoding="utf-8")


def test_the_page_lists_every_experiment_in_order(page: str) -> None:
    """If this fails for a new experiment: `make chapter ONLY=NAME` runs and adds it."""
    wanted = [f"{section} {name}" for name, section, *_ in index.experiments((index.shipped_conf(),))]
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == wanted


def test_every_figure_exists_and_the_gallery_is_small(page: str) -> None:
    named = set(re.findall(r"!\[\w+\]\((\w+\.png)\)", page))
    files = {path.name: path.stat().st_size for path in GALLERY.iterdir()}
    assert named == files.keys() - {"README.md", "conclusions.json"}
    assert sum(files.values()) < 3_000_000


def test_the_page_has_no_local_paths(page: str) -> None:
    assert not re.search(r"/(tmp|home|root|work|Users|mnt)/", page)
