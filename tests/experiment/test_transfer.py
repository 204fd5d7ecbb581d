import json
from collections.abc import Callable
from typing import Any


def test_weights_of_other_digits_help_where_labels_are_few(experiment: Callable[..., Any]) -> None:
    told = experiment(
        "transfer", "model.width=8", "split.per_class=1,5", "variant=scratch,whole", "trainer.epochs=30"
    )
    one, five = told.rows
    assert (one["labels a class"], five["labels a class"]) == (1, 5)
    for row in told.rows:
        assert row["whole"] > row["scratch"] + 0.04
    assert one["scratch"] < five["scratch"] and one["whole"] < five["whole"]
    assert "by labels of each class: with 1 " in told.sentence
    assert "labels" in told.figures()
    (first,) = (told.folder.parents[1] / "runs").iterdir()
    for folder in (path.parent for path in told.folder.glob("*/transfer.json")):
        taken = json.loads((folder / "transfer.json").read_text())
        assert taken["source"] == first.name
        assert [row["name"] for row in taken["tensors"] if not row["loaded"]] == ["head.weight", "head.bias"]
