"""Letters as fonts draw them: no image twice, and what looks alike is one class."""

from pathlib import Path

import pytest
import torch

from mlcli.data import glyphs as module
from mlcli.loading.dataset import Examples


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLCLI_CACHE", str(tmp_path_factory.mktemp("cache")))
        first = module.glyphs()
        patch.setattr(module, "_parse", lambda: pytest.fail("drawn again"))
        assert module.glyphs().inputs.equal(first.inputs)
        return first


def test_many_classes_of_few_images(examples: Examples) -> None:
    counts = examples.targets.bincount()
    assert len(examples.classes) == len(set(examples.classes)) == len(counts) > 1400
    assert counts.min() >= 8 and counts.median() >= 12
    assert examples.inputs.shape == (len(examples.targets), 1, 28, 28)
    assert (examples.inputs.min(), examples.inputs.max()) == (0.0, 1.0)


def test_no_image_comes_twice(examples: Examples) -> None:
    assert len(torch.unique(examples.inputs.flatten(1), dim=0)) == len(examples.inputs)


def test_the_ink_is_in_the_middle(examples: Examples) -> None:
    ink = examples.inputs.squeeze(1) > 0
    for axis in (1, 2):
        present = ink.any(axis).int()
        before, after = present.argmax(1), present.flip(1).argmax(1)
        assert ((after - before >= 0) & (after - before <= 1)).all()


def test_letters_that_look_alike_are_one_class(examples: Examples) -> None:
    assert {"A", "a", "B", "Ж", "ა", "Ա"} <= set(examples.classes)
    assert not {"Α", "А", "Β", "В", "о"} & set(examples.classes)  # Greek and Cyrillic


def test_wanting_more_images(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, examples: Examples) -> None:
    counts = examples.targets.bincount()
    arrays = {
        "images": (examples.inputs.squeeze(1) * 255).round().to(torch.uint8).numpy(),
        "labels": examples.targets.numpy(),
        "names": module.np.array(examples.classes),
    }
    monkeypatch.setattr(module, "cached", lambda key, parse: arrays)
    fewer = module.glyphs(images=16)
    assert fewer.targets.bincount().min() == 16
    assert len(fewer.classes) == (counts >= 16).sum()
    one = examples.inputs[examples.targets == examples.classes.index("A")]
    assert fewer.inputs[fewer.targets == fewer.classes.index("A")].equal(one)
    with pytest.raises(ValueError, match=r"data\.images=99: .* use \d+ or less"):
        module.glyphs(images=99)
