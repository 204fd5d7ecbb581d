from collections.abc import Callable
from typing import Any

SMALL = ("data.tasks=600", "task.steps=150", "task.evaluation_tasks=60", "trainer.epochs=2")


def test_meta_learned_networks_adapt_faster_than_jointly_trained_ones(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("maml", *SMALL, "variant=maml,fomaml,joint")
    rows = {row["method"]: row for row in conclusion.rows}
    after = {name: [float(row[f"after {n}"].split()[0]) for n in (0, 1, 5, 10)] for name, row in rows.items()}
    before, *_, last = after["MAML"]
    assert 2 < before < 5 and last < 0.5 * before
    assert last < 0.8 * after["joint training"][-1]
    assert after["MAML"][1] < after["first-order MAML"][1] < after["joint training"][1]
    assert rows["joint training"]["inner learning rate"] in (0.0003, 0.001, 0.003, 0.01, 0.03)
    assert "of that of joint training" in conclusion.sentence
    assert {"error_by_inner_step", "adaptation_maml", "adaptation_joint"} <= conclusion.figures()


def test_no_conclusion_without_the_baseline_of_joint_training(experiment: Callable[..., Any], tmp_path: Any) -> None:
    from mlcli.cli.training import main

    small = [*SMALL[:-1], "trainer.epochs=1", "variant=maml"]
    main(["-q", "experiment=maml", "tracking=none", "sweep.figures=0", "device=cpu", *small])
    assert not list(tmp_path.glob("outputs/*/*/answer.json"))
