"""Overhead of mlcli's training loop compared with a hand-written PyTorch loop and PyTorch Lightning.

All use the same tensors, initial weights, batch size, optimizer and evaluation after each epoch, in one process with
one thread. Their turns are interleaved, so that a slower machine affects all of them. Reported are medians of seconds
and of the ratios per turn. Only the loop is timed: for mlcli including its journal, progress lines and the best
weights; for Lightning with the training loss and the same metrics logged per epoch to its CSV logger, and without
progress bar, summary, sanity check and checkpoints.

    python benchmarks/loop.py [--turns 7] [--epochs 10] [--models mlp cnn lstm transformer resnet autoencoder]
"""

import argparse
import contextlib
import logging
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from rich.console import Console as Terminal
from rich.table import Table
from torch import nn
from torch.nn import functional as F

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.metric import fast
from mlcli.run.build import Parts, build
from mlcli.track.console import Console
from mlcli.track.journal import Journal
from mlcli.train.loop import Epoch, Plan, Progress, fit

MODELS = ("mlp", "cnn", "lstm", "transformer", "resnet", "autoencoder")
TASKS = {"autoencoder": "reconstruction"}  # other models: classification

Tensors = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def parts_of(model: str) -> Parts:
    overrides = [f"model={model}", f"task={TASKS.get(model, 'classification')}", "device=cpu", "device.threads=1"]
    with hydra_session() as hydra:
        return build(to_run(compose(hydra, overrides)))


def tensors(model: str, parts: Parts) -> Tensors:
    """Inputs and targets of all examples, and the indices of train and val."""
    inputs = parts.task.loader.prepare(parts.data.examples.inputs)
    targets = inputs if TASKS.get(model) == "reconstruction" else parts.data.examples.targets
    return inputs, targets, parts.data.splits["train"], parts.data.splits["val"]


def loss_of(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return F.mse_loss(outputs, targets) if targets.is_floating_point() else F.cross_entropy(outputs, targets)


def metrics_of(outputs: torch.Tensor, targets: torch.Tensor) -> dict[str, torch.Tensor]:
    """Metrics of the validation split after an epoch, like those of mlcli, which for an autoencoder also reports the
    error in units of the data."""
    if not targets.is_floating_point():
        return fast.classification(outputs, targets)
    return {"loss": F.mse_loss(outputs, targets)}


def mlcli_loop(model: str, epochs: int) -> float:
    parts = parts_of(model)
    plan = Plan(epochs=epochs, monitor="val/loss", higher=False)
    console = Console()
    with (
        tempfile.TemporaryDirectory() as folder,
        Path(os.devnull).open("w", encoding="utf-8") as null,
        contextlib.redirect_stderr(null),
    ):
        console.start(Path(folder), model, epochs, parts.steps_per_epoch, "")
        with Journal(Path(folder) / "metrics.jsonl") as journal:
            start = time.perf_counter()
            for event in fit(parts.task, plan, Progress()):
                if isinstance(event, Epoch):
                    journal.write(event.epoch, event.step, event.metrics)
                console.show(event, plan.monitor)
            return time.perf_counter() - start


def hand_written(model: str, epochs: int) -> float:
    """A typical hand-written loop for data that fits into memory."""
    parts = parts_of(model)
    network, optimizer = parts.model, parts.task.update.optimizer
    inputs, targets, train, val = tensors(model, parts)
    start = time.perf_counter()
    for _ in range(epochs):
        network.train()
        total = torch.zeros(())
        order = train[torch.randperm(len(train))]
        for indices in order.split(32):
            loss = loss_of(network(inputs[indices]), targets[indices])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach()
        network.eval()
        with torch.no_grad():
            metrics = metrics_of(network(inputs[val]), targets[val])
        read = {name: value.item() for name, value in metrics.items()} | {"train": total.item()}
        assert all(value >= 0 for value in read.values())
    return time.perf_counter() - start


def lightning(model: str, epochs: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return lightning_in(folder, model, epochs)


def lightning_in(folder: str, model: str, epochs: int) -> float:
    import pytorch_lightning as pl
    from pytorch_lightning.loggers import CSVLogger
    from torch.utils.data import DataLoader, TensorDataset

    parts = parts_of(model)
    inputs, targets, train, val = tensors(model, parts)

    class Module(pl.LightningModule):
        def __init__(self, network: nn.Module) -> None:
            super().__init__()
            self.network = network

        def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
            loss = loss_of(self.network(batch[0]), batch[1])
            self.log("train_loss", loss, on_step=False, on_epoch=True)
            return loss

        def validation_step(self, batch: list[torch.Tensor], index: int) -> None:
            self.log_dict(metrics_of(self.network(batch[0]), batch[1]))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return parts.task.update.optimizer

    trainer = pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=CSVLogger(folder),
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    training = DataLoader(TensorDataset(inputs[train], targets[train]), batch_size=32, shuffle=True)
    validation = DataLoader(TensorDataset(inputs[val], targets[val]), batch_size=len(val))
    start = time.perf_counter()
    trainer.fit(Module(parts.model), training, validation)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS, metavar="MODEL")
    options = parser.parse_args()
    for name in ("pytorch_lightning", "pytorch_lightning.utilities.rank_zero", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    contestants: dict[str, Callable[[str, int], float]] = {"mlcli": mlcli_loop, "hand-written": hand_written}
    try:
        import pytorch_lightning  # noqa: F401

        contestants["lightning"] = lightning
    except ImportError:
        print("PyTorch Lightning is not installed: use pip install pytorch-lightning", file=sys.stderr)
    table = Table("model", *(f"{name} s" for name in contestants), "mlcli / hand-written", "lightning / mlcli")
    for model in options.models:
        times: dict[str, list[float]] = {name: [] for name in contestants}
        for turn in range(options.turns + 1):
            for name, contestant in contestants.items():
                seconds = contestant(model, options.epochs)
                if turn:  # the first turn warms up
                    times[name].append(seconds)
        table.add_row(model, *(f"{statistics.median(each):.3f}" for each in times.values()), *ratios(times))
    Terminal(width=110).print(table)


def ratios(times: dict[str, list[float]]) -> list[str]:
    """Median (minimum to maximum) of the ratios per turn."""
    shown = []
    for over, under in (("mlcli", "hand-written"), ("lightning", "mlcli")):
        pairs = zip(times.get(over, []), times.get(under, []), strict=False)
        each = sorted(a / b for a, b in pairs)
        shown.append(f"{statistics.median(each):.2f} ({each[0]:.2f} to {each[-1]:.2f})" if each else "–")
    return shown


if __name__ == "__main__":
    main()
