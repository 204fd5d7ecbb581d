"""The base of all stacks."""

from typing import Any

import torch
from torch import Tensor

from mlcli.train.protocols import Evaluation
from mlcli.train.stack.task_stack import TaskStack


class Constant:
    """A task whose only metric is its only weight."""

    def __init__(self) -> None:
        self.weight = torch.tensor(0.0)
        self.observed: list[float] = []

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        return Evaluation({f"{split}_full" if full else split: self.weight})

    def observe(self, score: float) -> None:
        self.observed.append(score)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.weight = state["model"]["weight"].clone()


class Constants(TaskStack):
    def __init__(self, tasks: list[Constant]) -> None:
        super().__init__(tasks)
        self.values = torch.arange(1.0, len(tasks) + 1)

    def weights(self) -> dict[str, Tensor]:
        return {"weight": self.values}

    def keep_rows(self, rows: list[int]) -> None:
        self.values = self.values[rows]


def test_tasks_change_only_when_the_stack_writes_back() -> None:
    tasks = [Constant() for _ in range(3)]
    stack = Constants(tasks)
    assert [float(task.weight) for task in tasks] == [0, 0, 0]
    stack.write_back([1])
    assert [float(task.weight) for task in tasks] == [0, 2, 0]
    stack.write_back()
    assert [float(task.weight) for task in tasks] == [1, 2, 3]


def test_evaluates_the_current_weights_of_each_task() -> None:
    stack = Constants([Constant() for _ in range(2)])
    stack.values += 10
    assert stack.evaluate("val", full=False) == {"val": [11, 12]}
    assert stack.evaluate("test", full=True) == {"test_full": [11, 12]}


def test_a_trial_that_leaves_keeps_the_weights_of_that_time() -> None:
    tasks = [Constant() for _ in range(3)]
    stack = Constants(tasks)
    stack.keep([0, 2])
    stack.values += 10
    stack.observe([0.5, 0.7])
    stack.write_back()
    assert [float(task.weight) for task in tasks] == [11, 2, 13]
    assert [task.observed for task in tasks] == [[0.5], [], [0.7]]
    stack.keep([])
    assert stack.tasks == [] and stack.converged() == []
