"""Time series in .ts files: a small one made here, and the real ones where aeon is installed."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from mlcli.data.italy_power import italy_power
from mlcli.data.japanese_vowels import japanese_vowels
from mlcli.loading import aeon_series

HEAD = "#about\n@problemName Toy\n@classLabel true a b\n@data\n"


def test_reads_series_of_unequal_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "datasets" / "data" / "Toy"
    folder.mkdir(parents=True)
    (folder / "Toy_TRAIN.ts").write_text(HEAD + "1,2,3:4,5,6:b\n7,8:9,10:a\n")
    (folder / "Toy_TEST.ts").write_text(HEAD + "1:2:a\n\n")
    monkeypatch.setattr(aeon_series, "find_spec", lambda name: SimpleNamespace(origin=str(tmp_path / "__init__.py")))
    toy = aeon_series.load_series("toy", "Toy", target="class", source="")
    nan = torch.nan
    expected = torch.tensor(
        [[[1, 4], [2, 5], [3, 6]], [[7, 9], [8, 10], [nan, nan]], [[1, 2], [nan, nan], [nan, nan]]]
    )
    torch.testing.assert_close(toy.inputs, expected, equal_nan=True)
    assert toy.targets.tolist() == [1, 0, 0] and toy.classes == ("a", "b")
    assert toy.padded and toy.test.tolist() == [2]


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aeon_series, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"data=japanese_vowels needs .* pip install --no-deps aeon"):
        japanese_vowels()


@pytest.mark.optional
def test_the_real_ones() -> None:
    speech, power = japanese_vowels(), italy_power()
    assert speech.inputs.shape == (640, 29, 12) and speech.padded and len(speech.classes) == 9
    lengths = (~speech.inputs[..., 0].isnan()).sum(1)
    assert (lengths.min(), lengths.max(), len(speech.test)) == (7, 29, 370)
    assert power.inputs.shape == (1096, 24, 1) and not power.padded and len(power.test) == 1029
