"""What to use instead of an unknown metric."""

from mlcli.metric.suggestion import suggest_metric


def test_metrics_of_single_classes_are_no_list() -> None:
    known = [
        "val/loss",
        "val/accuracy",
        *(f"val/{name}/{number}" for name in ("f1", "recall") for number in range(1000)),
    ]
    assert suggest_metric("val/acc", known) == (
        " Did you mean val/accuracy? Choices: val/accuracy, val/loss, and per-class metrics such as val/f1/0."
    )
    assert suggest_metric("val/f1/1O", known).startswith(" Did you mean val/f1/1?")  # but they are suggested
    assert suggest_metric("VAL/LOSS", known[:2]) == " Did you mean val/loss? Choices: val/accuracy, val/loss."
    assert suggest_metric("loss", []) == ""


def test_a_split_with_a_typing_error_is_not_the_validation_split() -> None:
    known = ["test/accuracy", "val/accuracy"]
    assert suggest_metric("tset/accuracy", known).startswith(" Did you mean test/accuracy?")
    assert suggest_metric("train/accuracy", known).startswith(" Did you mean val/accuracy?")
