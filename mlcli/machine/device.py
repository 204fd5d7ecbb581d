"""Which device computes, with how many threads, and how reproducibly."""

import os

import torch

from mlcli.config.errors import ConfigError
from mlcli.config.settings import Settings
from mlcli.machine.allocator import keep_freed_memory
from mlcli.machine.compiler import defer_compiler

# Below this many parameters a step is bound by overhead: a second thread wins nothing on a quiet machine, and
# where threads contend for the cores a step was measured ten times slower.
TINY = 1_000_000


def available() -> list[str]:
    """The devices of this machine, fastest first."""
    found = ["cuda"] if torch.cuda.is_available() else []
    found += ["mps"] if torch.backends.mps.is_available() else []
    return [*found, "cpu"]


def choose(name: str) -> torch.device:
    """The device of that name; `auto` is the fastest. Raises ConfigError where it is not there."""
    here = available()
    if name == "auto":
        return torch.device(here[0])
    if name not in here:
        raise ConfigError(f"device={name}: not on this machine. Choices: auto, {', '.join(here)}.")
    return torch.device(name)


def set_up(settings: Settings, device: torch.device) -> None:
    """Determinism, which must be settled before anything is computed; and no compiler where none is wanted."""
    keep_freed_memory()
    if not settings.compile:
        defer_compiler()
    if settings.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it to be deterministic
        torch.backends.cudnn.benchmark = False
    if torch.are_deterministic_algorithms_enabled() != settings.deterministic:
        torch.use_deterministic_algorithms(settings.deterministic)
    if settings.precision == "fp16" and device.type == "cpu":
        raise ConfigError("device.precision=fp16 needs a GPU: use device.precision=bf16, or fp32.")


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_counts(threads: int | None) -> list[int]:
    """Of which the fastest is to be found: the number that was asked for, else one, and all cores."""
    return [threads] if threads else sorted({1, cores()})


def choose_threads(threads: int | None, parameters: int) -> int:
    """How many threads torch should use: as configured, else one for tiny models and all cores for others."""
    return threads or (1 if parameters < TINY else cores())
