"""Inputs from files: valid ones become inputs of the network, others are rejected in one sentence."""

import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mlcli.config.errors import ConfigError
from mlcli.run.build import Parts, build
from mlcli.run.finish import write_model
from mlcli.serve import predictions as module
from mlcli.serve.formats import to_json
from mlcli.serve.predictions import predict_file
from tests.configs import run_config

RUNS = {
    "iris": ["data=iris"],
    "digits": ["data=digits", "model=mlp"],
    "series": ["task=regression", "data=adding", "data.examples=50", "model=lstm", "model.hidden_size=4"],
    "brackets": ["task=sequence_labelling", "data.examples=50", "data.length=9", "model.hidden_size=4"],
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Parts]]:
    """Run folders with an untrained model each, and the parts they were written from."""
    runs = {}
    for name, overrides in RUNS.items():
        cfg = run_config("device=cpu", *overrides)
        folder = tmp_path_factory.mktemp(name)
        parts = build(cfg)
        write_model(folder / "model", cfg, parts)
        runs[name] = folder, parts
    return runs


@pytest.fixture
def table(saved: dict[str, tuple[Path, Parts]]) -> pd.DataFrame:
    examples = saved["iris"][1].data.examples
    return pd.DataFrame(examples.inputs[:7].numpy(), columns=list(examples.features))


def expected(parts: Parts, count: int) -> pd.DataFrame:
    return pd.DataFrame(parts.predict(parts.data.examples.inputs[:count]))


def same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, wanted, rtol=1e-5)


def write(path: Path, content: Any) -> str:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_a_csv_with_columns_in_another_order_and_more_of_them(
    saved: Any, table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, parts = saved["iris"]
    text = table[table.columns[::-1]].assign(species="setosa", note="mine").to_csv(index=False)
    wanted = expected(parts, 7)
    same(predict_file(folder, write(tmp_path / "flowers.csv", text)), wanted)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    same(predict_file(folder, "-"), wanted)
    monkeypatch.setattr(module, "BATCH_ROWS", 3)
    same(predict_file(folder, str(tmp_path / "flowers.csv")), wanted)


@pytest.mark.parametrize("form", ["dataframe_split", "dataframe_records", "instances", "inputs", "records", "list"])
def test_every_form_that_the_server_takes(saved: Any, table: pd.DataFrame, tmp_path: Path, form: str) -> None:
    folder, parts = saved["iris"]
    content = {
        "dataframe_split": {"dataframe_split": table.to_dict("split")},
        "dataframe_records": {"dataframe_records": table.to_dict("records")},
        "instances": {"instances": table.to_numpy().tolist()},
        "inputs": {"inputs": table.to_dict("list")},
        "records": table.to_dict("records"),
        "list": table.to_numpy().tolist(),
    }[form]
    same(predict_file(folder, write(tmp_path / "in.json", content)), expected(parts, 7))


def test_arrays(saved: Any, tmp_path: Path) -> None:
    folder, parts = saved["digits"]
    images = parts.data.examples.inputs[:5].numpy()
    np.save(tmp_path / "images.npy", images)
    np.savez(tmp_path / "one.npz", anything=images.reshape(5, 64))
    np.savez(tmp_path / "two.npz", inputs=images, labels=np.arange(5))
    pd.DataFrame(images.reshape(5, 64)).assign(digit=1).to_csv(tmp_path / "flat.csv", index=False)
    for name in ("images.npy", "one.npz", "two.npz", "flat.csv"):
        same(predict_file(folder, str(tmp_path / name)), expected(parts, 5))


def test_shorter_sequences_are_filled_up_as_they_were_for_training(saved: Any, tmp_path: Path) -> None:
    folder, parts = saved["series"]
    shutil.copytree(folder / "model", tmp_path / "model")
    described = tmp_path / "model" / "model.json"
    described.write_text(described.read_text().replace('"padded": false', '"padded": true'))
    series = parts.data.examples.inputs[:3].tolist()
    ragged = [each[:steps] for each, steps in zip(series, (9, 20, 4), strict=True)]
    gap = [None] * len(series[0][0])
    whole = [each + [gap] * (len(series[0]) - len(each)) for each in ragged]
    found = predict_file(tmp_path, write(tmp_path / "in.json", ragged))
    same(found, predict_file(tmp_path, write(tmp_path / "whole.json", whole)))
    assert not np.allclose(
        found["prediction"], predict_file(tmp_path, write(tmp_path / "long.json", series))["prediction"]
    )


def test_a_picture_is_scaled_as_the_runs_images_are(saved: Any, tmp_path: Path) -> None:
    folder, parts = saved["digits"]
    pixels = (parts.data.examples.inputs[0, 0].numpy() * 15).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "digit.png")
    with pytest.raises(ConfigError, match=r"digit\.png: the run's images hold 0 to 16"):
        predict_file(folder, str(tmp_path / "digit.png"))
    kept = folder / "model" / "example.json"
    original = kept.read_text()
    try:
        for high, divisor in ((1, 255), (255, 1)):
            kept.write_text(
                json.dumps({"inputs": {"data": [[0, high]]}, "outputs": {"columns": ["prediction"], "data": [["a"]]}})
            )
            found = predict_file(folder, str(tmp_path / "digit.png"))
            raw = parts.data.examples.inputs[:1].new_tensor(pixels.reshape(1, 1, 8, 8) / divisor)
            same(found, pd.DataFrame(parts.predict(raw)))
    finally:
        kept.write_text(original)
    Image.new("L", (9, 8)).save(tmp_path / "wide.png")
    Image.new("RGBA", (8, 8)).save(tmp_path / "clear.png")
    for name, reason in (("wide", "9 × 8 pixels where the run's images have 8 × 8"), ("clear", "mode is RGBA")):
        with pytest.raises(ConfigError, match=reason):
            predict_file(folder, str(tmp_path / f"{name}.png"))


def test_every_image_of_a_folder(saved: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the folders of an image data set. Other files, and those that macOS hides, are none of its images."""
    folder, parts = saved["digits"]
    shutil.copytree(folder / "model", tmp_path / "run" / "model")
    described = {"inputs": {"data": [[0, 255]]}, "outputs": {"columns": ["prediction"], "data": [["a"]]}}
    (tmp_path / "run" / "model" / "example.json").write_text(json.dumps(described))
    pictures = tmp_path / "pictures"
    for place, name in enumerate(("b/two.png", "a/one.PNG", "three.jpeg")):
        (pictures / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = (parts.data.examples.inputs[place, 0].numpy() * 15).astype(np.uint8)
        Image.fromarray(pixels).save(pictures / name, format="PNG")
    for name in ("a/labels.csv", "._three.jpeg", ".cache/four.png"):
        (pictures / name).parent.mkdir(parents=True, exist_ok=True)
        (pictures / name).write_text("no image")
    monkeypatch.setattr(module, "BATCH_ROWS", 2)
    found = predict_file(tmp_path / "run", str(pictures))
    names = ["a/one.PNG", "b/two.png", "three.jpeg"]
    assert found["file"].tolist() == names
    alone = [predict_file(tmp_path / "run", str(pictures / name)) for name in names]
    same(found.drop(columns="file"), pd.concat(alone, ignore_index=True))
    (pictures / "broken.png").write_text("no image")
    with pytest.raises(ConfigError, match=r"broken\.png: cannot identify image file"):
        predict_file(tmp_path / "run", str(pictures))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"empty holds no image: use a folder with \.png, \.jpg, \.jpeg files"):
        predict_file(tmp_path / "run", str(tmp_path / "empty"))


def test_a_text_a_line(saved: Any, tmp_path: Path) -> None:
    folder, parts = saved["brackets"]
    found = predict_file(folder, write(tmp_path / "some.txt", "(a)\na(b)c\n"))
    same(found, pd.DataFrame(parts.predict(parts.data.encode(["(a)", "a(b)c"]))))
    same(predict_file(folder, write(tmp_path / "some.json", ["(a)", "a(b)c"])), found)
    tokens = [[*map(parts.data.vocabulary.index, text)] for text in ("(a)", "a(b)c")]
    same(predict_file(folder, write(tmp_path / "tokens.json", tokens)), found)
    for table in ("anything,label\n(a),1\na(b)c,0\n", "number,text\n1,(a)\n2,a(b)c\n"):
        table = table.replace("label", parts.data.examples.target)
        same(predict_file(folder, write(tmp_path / "some.csv", table)), found)
    with pytest.raises(ConfigError, match="has 2 columns: name that of the texts `text`"):
        predict_file(folder, write(tmp_path / "some.csv", "one,two\n(a),b\n"))
    with pytest.raises(ConfigError, match="quote values with commas"):
        predict_file(folder, write(tmp_path / "commas.csv", "text\n(a),b\n"))
    same(
        predict_file(folder, write(tmp_path / "null.csv", "text\nnull\n")),
        predict_file(folder, write(tmp_path / "null.txt", "null")),
    )
    with pytest.raises(ConfigError, match="row 2 holds no text"):
        predict_file(folder, write(tmp_path / "gap.txt", "(a)\n\nb\n"))
    for tokens, wrong in (([0, 1, 2, 99] + [0] * 5, "99"), ([0.5] * 9, r"0\.5")):
        with pytest.raises(ConfigError, match=f"row 1 has {wrong}: indices are whole numbers"):
            predict_file(folder, write(tmp_path / "tokens.json", [tokens]))


WRONG = [
    ("none.csv", None, "none.csv: No such file"),
    ("in.xlsx", "", "in.xlsx cannot be read: use a file .csv"),
    ("empty.csv", "", "empty.csv: No columns"),
    ("bare.csv", "5.1,3.5,1.4,0.2\n4.9,3.0,1.4,0.2\n", "the first line must name the columns"),
    ("lacks.csv", "sepal length (cm),note\n1,2\n", "lacks the columns sepal width (cm), petal length (cm)"),
    ("in.json", "{", "in.json: is not valid JSON (Expecting"),
    ("in.json", {"rows": []}, "hold exactly one of dataframe_split"),
    ("in.json", [], "holds no row"),
    ("in.json", [[1, 2], [3]], "not all numbers and of the same size"),
    ("in.json", [[1, 2, 3]], "inputs must be B × 4"),
    ("in.json", [[1, 2, 3, 4], [1, 2, 3, None]], "row 2 has a gap"),
    ("in.txt", "words\n", "is text, and this run was trained on data=iris, which is vector"),
    ("in.npy", "no array", "in.npy: "),
    ("in.png", "no picture", "is an image, and this run was trained on vector 4"),
]


@pytest.mark.parametrize(("name", "content", "reason"), WRONG)
def test_what_does_not_fit(saved: Any, tmp_path: Path, name: str, content: Any, reason: str) -> None:
    if content is not None:
        write(tmp_path / name, content)
    with pytest.raises(ConfigError, match=re.escape(reason)):
        predict_file(saved["iris"][0], str(tmp_path / name))


def test_words_among_numbers(saved: Any, table: pd.DataFrame, tmp_path: Path) -> None:
    text = table.astype(object).replace(table.iloc[3, 0], "wide").to_csv(index=False)
    with pytest.raises(ConfigError, match=re.escape("the column sepal length (cm) holds 'wide'")):
        predict_file(saved["iris"][0], write(tmp_path / "in.csv", text))


def test_a_sequence_has_gaps_only_where_training_had_padding(saved: Any, tmp_path: Path) -> None:
    folder, parts = saved["series"]
    series = parts.data.examples.inputs[:2].tolist()
    same(predict_file(folder, write(tmp_path / "in.json", series)), expected(parts, 2))
    series[0][3] = [None] * len(series[0][3])
    with pytest.raises(ConfigError, match="row 1 has a gap"):
        predict_file(folder, write(tmp_path / "gap.json", series))


def test_json_is_as_the_server_answers(saved: Any) -> None:
    table = expected(saved["iris"][1], 2)
    (first, second) = json.loads(to_json(table))["predictions"]
    assert first.keys() == second.keys() == set(table)
    assert first["prediction"] == table["prediction"][0]
    name = table.columns[-1]
    assert np.float32(first[name]) == table[name][0]


def test_a_run_that_did_not_finish(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did not finish"):
        predict_file(tmp_path, "-")
