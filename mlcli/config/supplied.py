"""What a run supplies to the constructors that its config names, besides the settings of their YAML.

One table for the check of a config, which does not require these in YAML, and for the build of a run, which passes
those that a constructor has as parameters.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

# By group: parameter → what it is.
SUPPLIED: dict[str, dict[str, str]] = {
    "model": {
        "input_shape": "shape of one example as the model receives it",
        "categories": "of a table, the cardinalities of its codes, the last columns of the input; () otherwise",
        "outputs": "number of outputs, from the task",
        "vocabulary": "number of tokens or states; None for other kinds of input",
        "words": "names of the tokens or states by index",
        "padded": "whether sequences are padded at the end",
        "per_step": "whether the task needs a prediction for each step",
        "seed": "trainer.seed",
    },
    "data": {"schema": "of a table of the user's own, the schema of the run that is evaluated; None for training"},
    "scheduler": {"higher": "whether the monitored metric is better when larger"},
    "optimizer": {"params": "parameters of the model, in groups"},
    "task": {
        "data": "the DataSet",
        "model": "the model, on its device",
        "update": "one optimisation step (Update), or a call of the model's own fit (EstimatorUpdate); None "
        "for prediction and evaluation",
        "loader": "the Loader of the splits",
        "class_weights": "trainer.class_weights",
        "seed": "trainer.seed",
        "batch_size": "trainer.batch_size",
    },
    "conclusion": {"runs": "the finished runs of an experiment"},
}


def supply(group: str, constructor: Callable[..., Any], values: Mapping[str, Any]) -> Any:
    """Calls a constructor of the group with those of the supplied values that it has as parameters."""
    assert values.keys() == SUPPLIED[group].keys(), group
    return call_with(constructor, values)


def call_with(function: Callable[..., Any], values: Mapping[str, Any]) -> Any:
    """Calls the function with those of the values that it has as parameters."""
    takes = inspect.signature(function).parameters
    return function(**{name: value for name, value in values.items() if name in takes})
