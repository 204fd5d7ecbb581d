"""Selects the device and the number of threads, and sets up determinism."""

import os

import torch

from mlcli.config.errors import ConfigError
from mlcli.config.settings import Settings
from mlcli.machine.allocator import keep_freed_memory
from mlcli.machine.compiler import defer_compiler
from mlcli.system import cores

# Below this many parameters a step is bound by overhead: a second thread gains nothing, and slows the step down
# where threads contend for the cores.
TINY = 1_000_000


def available() -> list[str]:
    """The devices of this machine, fastest first."""
    found = ["cuda"] if torch.cuda.is_available() else []
    found += ["mps"] if torch.backends.mps.is_available() else []
    return [*found, "cpu"]


def choose(name: str) -> torch.device:
    """The device of that name; `auto` is the fastest. Raises ConfigError if this machine has no such device."""
    present = available()
    if name == "auto":
        return torch.device(present[0])
    if name not in present:
        reason = _why_no_cuda() if name == "cuda" else "not on this machine"
        raise ConfigError(f"device={name}: {reason}. Choices: auto, {', '.join(present)}.")
    return torch.device(name)


def _why_no_cuda() -> str:
    """Why CUDA is not available, and what to do about it."""
    if torch.version.cuda is None and torch.version.hip is None:
        return (
            f"torch {torch.__version__} is a CPU build: install a build with CUDA (https://pytorch.org/get-started), "
            "or use device=cpu"
        )
    return f"torch {torch.__version__} finds no GPU: check the driver with nvidia-smi, or use device=cpu"


def set_up(settings: Settings, device: torch.device) -> None:
    """Sets up memory, compiler and determinism of this process, before anything is computed. Raises ConfigError for a
    precision that the device does not support."""
    keep_freed_memory()
    if not settings.compile:
        defer_compiler()
    if settings.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS requires it for determinism
        torch.backends.cudnn.benchmark = False
    if torch.are_deterministic_algorithms_enabled() != settings.deterministic:
        torch.use_deterministic_algorithms(settings.deterministic)
    if settings.precision == "fp16" and device.type == "cpu":
        raise ConfigError("device.precision=fp16 needs a GPU: use device.precision=bf16, or fp32.")


def use_one_attention() -> None:
    """Evaluates torch's transformer layers with the kernels of their training.

    The fast path of their evaluation replaces padded positions by zeros, which training does not, and has no batching
    rule for stacks.
    """
    torch.backends.mha.set_fastpath_enabled(False)


def choose_threads(threads: int | None, parameters: int) -> int:
    """The number of threads for torch: as configured, or one for tiny models and one per core for others."""
    return threads or (1 if parameters < TINY else cores())
