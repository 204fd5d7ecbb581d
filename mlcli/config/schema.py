"""Types, ranges and choices of all settings that are not constructor arguments.

Hydra validates the YAML files against these dataclasses, so `trainer.epochs=abc` fails while composing; `range` and
`choices` in a field's metadata are checked by `mlcli.config.check` right after. Groups with a `_target_` (task,
data, model, optimizer, scheduler) have no dataclass: the signature of what they build is their schema.
"""

from dataclasses import dataclass, field
from typing import Any

from mlcli.config.ranges import Range

COUNT = {"range": Range(1)}
POSITIVE = {"range": Range(0, low_open=True)}
SHARE = {"range": Range(0, 1, low_open=True, high_open=True)}


@dataclass
class Split:
    """How examples are divided. An official test split of a data set is kept."""

    val: float = field(default=0.2, metadata={"range": Range(0, 1, high_open=True)})  # 0: none
    test: float = field(
        default=0.2, metadata={"range": Range(0, 1, high_open=True)}
    )  # 0: none, of tasks without labels
    seed: int = field(default=0, metadata={"range": Range(0)})
    # In a table of the user's own, a column: group:COL, time:COL, or column:COL, which says train, val or test.
    by: str = field(
        default="example",
        metadata={"choices": ("example", "group", "class", "time"), "with_column": ("group", "time", "column")},
    )
    normalise: bool = True
    folds: int | None = field(default=None, metadata={"range": Range(2)})
    fold: int = field(default=0, metadata={"range": Range(0)})
    classes: list[str] | None = None  # names
    per_class: int | None = field(default=None, metadata=COUNT)


@dataclass
class Trainer:
    """Training-loop settings."""

    epochs: int = field(default=20, metadata=COUNT)
    max_steps: int | None = field(default=None, metadata=COUNT)
    max_time: float | None = field(default=None, metadata=POSITIVE)  # seconds
    batch_size: int | None = field(default=32, metadata=COUNT)  # None: by the number of training examples
    accumulate: int = field(default=1, metadata=COUNT)  # micro-batches that a batch is cut into
    clip_norm: float | None = field(default=None, metadata=POSITIVE)
    clip_value: float | None = field(default=None, metadata=POSITIVE)
    l1: float = field(default=0.0, metadata={"range": Range(0)})
    lr_scale: Any = None  # pattern of parameter names: factor
    average: str | None = field(default=None, metadata={"choices": ("ema", "swa")})
    average_decay: float = field(default=0.99, metadata={"range": Range(0, 1)})
    average_start: float = field(default=0.75, metadata={"range": Range(0, 1)})
    monitor: str = "val/loss"
    patience: int | None = field(default=None, metadata=COUNT)  # epochs without improvement
    min_delta: float = field(default=0.0, metadata={"range": Range(0)})
    layer_statistics: bool = False
    checkpoint_every: float | None = field(default=60.0, metadata=POSITIVE)  # seconds
    keep_checkpoints: bool = False
    class_weights: Any = None  # null, balanced, or one number per class
    sampler: str | None = field(default=None, metadata={"choices": ("balanced",)})
    seed: int = field(default=0, metadata={"range": Range(0)})
    repeats: int = field(default=1, metadata=COUNT)
    baseline: bool = True  # of a table: gradient boosting beside the model


@dataclass
class Sweep:
    """Settings of a sweep."""

    figures: Any = field(default=1, metadata={"range": Range(0)})  # number of best trials with figures, or all
    halving: bool = False
    rungs: list[int] | None = None  # epochs; null: after 1/8, 1/4 and 1/2 of all
    keep: float = field(default=0.5, metadata=SHARE)
    metric: str | None = None  # null: trainer.monitor


@dataclass
class Device:
    """Device and precision."""

    name: str = field(default="auto", metadata={"choices": ("auto", "cpu", "cuda", "mps")})
    precision: str = field(default="fp32", metadata={"choices": ("fp32", "bf16", "fp16")})
    compile: bool = False
    deterministic: bool = False
    threads: int | None = field(default=None, metadata=COUNT)  # null: one for tiny models, else all cores
    resident: bool | None = None  # null: if the data fits into half of the free memory of the device


@dataclass
class Tracking:
    """Experiment tracking, besides the folder of a run."""

    name: str = field(default="mlflow", metadata={"choices": ("mlflow", "tensorboard", "both", "none")})
    uri: str | None = None  # null: $MLFLOW_TRACKING_URI, else the store under `outputs`
    experiment: str = "mlcli"
    figures: bool = True


@dataclass
class Config:
    """The config of a run."""

    task: Any = None
    data: Any = None
    model: Any = None
    optimizer: Any = None
    scheduler: Any = None
    split: Split = field(default_factory=Split)
    device: Device = field(default_factory=Device)
    trainer: Trainer = field(default_factory=Trainer)
    tracking: Tracking = field(default_factory=Tracking)
    sweep: Sweep = field(default_factory=Sweep)
    metrics: Any = None  # of the user's own, by name
    pretrain: Any = None  # overrides, or a run
    conclusion: Any = None
    name: str | None = None
    variant: str | None = None
    outputs: str = "outputs"
