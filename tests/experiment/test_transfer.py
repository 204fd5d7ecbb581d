import json
from collections.abc import Callable
from typing import Any


def test_pretraining_helps_with_few_labels(experiment: Callable[..., Any]) -> None:
    conclusion = experiment(
        "transfer", "model.width=8", "split.per_class=1,5", "variant=scratch,whole", "trainer.epochs=30"
    )
    one, five = conclusion.rows
    assert (one["labels per class"], five["labels per class"]) == (1, 5)
    for row in conclusion.rows:
        assert row["full fine-tuning"] > row["from scratch"] + 0.04
    assert one["from scratch"] < five["from scratch"] and one["full fine-tuning"] < five["full fine-tuning"]
    assert "1 label per class: " in conclusion.sentence
    assert "labels" in conclusion.figures()
    (first,) = (conclusion.folder.parents[1] / "runs").iterdir()
    for folder in (path.parent for path in conclusion.folder.glob("*/transfer.json")):
        taken = json.loads((folder / "transfer.json").read_text())
        assert taken["source"] == first.name
        assert [row["name"] for row in taken["tensors"] if not row["loaded"]] == ["head.weight", "head.bias"]
