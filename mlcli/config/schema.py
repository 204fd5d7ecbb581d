"""Types, ranges and choices of the settings that are not constructor arguments.

Hydra puts these dataclasses under the YAML files, so `trainer.epochs=abc` fails while composing; `range` and
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
    """How examples are divided; a data set with an official test split keeps that one."""

    val: float = field(default=0.2, metadata={"range": Range(0, 1, high_open=True)})  # 0: none
    test: float = field(
        default=0.2, metadata={"range": Range(0, 1, high_open=True)}
    )  # 0: none, of tasks without labels
    seed: int = field(default=0, metadata={"range": Range(0)})
    by: str = field(default="example", metadata={"choices": ("example", "group", "class", "time")})
    normalise: bool = True
    folds: int | None = field(default=None, metadata={"range": Range(2)})
    fold: int = field(default=0, metadata={"range": Range(0)})
    classes: list[str] | None = None  # names
    per_class: int | None = field(default=None, metadata=COUNT)


@dataclass
class Trainer:
    """Settings of the training loop."""

    epochs: int = field(default=20, metadata=COUNT)
    max_steps: int | None = field(default=None, metadata=COUNT)
    max_time: float | None = field(default=None, metadata=POSITIVE)  # seconds
    batch_size: int = field(default=32, metadata=COUNT)
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
    class_weights: Any = None  # null, balanced, or one number per class
    sampler: str | None = field(default=None, metadata={"choices": ("balanced",)})
    seed: int = field(default=0, metadata={"range": Range(0)})
    repeats: int = field(default=1, metadata=COUNT)


@dataclass
class Sweep:
    """What is done with the trials of a sweep."""

    figures: Any = field(default=1, metadata={"range": Range(0)})  # how many of the best trials get theirs, or all
    halving: bool = False
    rungs: list[int] | None = None  # epochs; null: after an eighth, a quarter and a half of all
    keep: float = field(default=0.5, metadata=SHARE)
    metric: str | None = None  # null: trainer.monitor


@dataclass
class Device:
    """Where and how precisely to compute."""

    name: str = field(default="auto", metadata={"choices": ("auto", "cpu", "cuda", "mps")})
    precision: str = field(default="fp32", metadata={"choices": ("fp32", "bf16", "fp16")})
    compile: bool = False
    deterministic: bool = False
    threads: int | None = field(default=None, metadata=COUNT)  # null: one for tiny models, else all cores
    resident: bool | None = None  # null: data stays on the device if it fits in half of the free memory


@dataclass
class Tracking:
    """Where runs are reported, besides their own folder."""

    name: str = field(default="mlflow", metadata={"choices": ("mlflow", "tensorboard", "both", "none")})
    uri: str | None = None  # null: $MLFLOW_TRACKING_URI, else the store under `outputs`
    experiment: str = "mlcli"
    figures: bool = True


@dataclass
class Config:
    """One run."""

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
    pretrain: Any = None  # overrides, or a run
    conclusion: Any = None
    name: str | None = None
    variant: str | None = None
    outputs: str = "outputs"
