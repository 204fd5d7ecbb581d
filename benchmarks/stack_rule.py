"""Measures the rule of `hydra/launcher=auto`: how much faster a stack is than training one by one.

For each model and batch size, and for several numbers of trials: the time of a step of one trial times the number of
trials, divided by the time of a step of the stack. Above 1 a stack is faster. The rule's choice is beside each ratio:
`+` a stack, `-` one by one. Steps of both take turns, and the least CPU time of each counts, with one thread, so
other processes hardly matter. A line per case is printed when it is measured. The last line is the mean time of all
cases with the rule's choices, relative to the best choices and to training one by one.

    python benchmarks/stack_rule.py [--kinds dense convolution GRU …] [--trials 2 4 8 16] [--seconds 0.15]
"""

import argparse
import time
from collections.abc import Callable, Sequence
from itertools import product
from math import inf
from typing import Any

import torch

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.run.build import build
from mlcli.run.stacked import build_trials, stack_of
from mlcli.sweep.stack_rule import fewest_trials, kind_of, work_of

# Kind → model, key of its width, widths, batch sizes; on digits.
GRID: dict[str, tuple[str, str, tuple[int, ...], tuple[int, ...]]] = {
    "dense": ("mlp", "width", (16, 64, 256, 512), (8, 64, 256)),
    "convolution": ("cnn", "width", (4, 16, 32), (8, 64)),
    "attention": ("transformer", "d_model", (16, 64, 128), (8, 64)),
    "LSTM": ("lstm", "hidden_size", (16, 64, 128), (8, 64)),
    "RNN": ("rnn", "hidden_size", (16, 128), (8, 64)),
    "GRU": ("gru", "hidden_size", (16, 64, 128), (8, 64)),
}
TASKS = (  # with stacks of their own
    ["task=clustering", "data=iris"],
    ["task=control", "data=frozen_lake", "model=q_table"],
    ["task=meta_learning", "data=sinusoids", "model=mlp", "model.width=40", "model.norm=none"],
)


def cases(kinds: Sequence[str]) -> list[list[str]]:
    """Overrides of each case."""
    found = []
    for kind in kinds:
        if kind in GRID:
            model, key, widths, sizes = GRID[kind]
            for width, size in product(widths, sizes):
                words = [f"model={model}", f"model.{key}={width}", f"trainer.batch_size={size}"]
                found.append(["data=digits", "split.val=0", "trainer.monitor=train/loss", *words])
        else:
            found += map(list, TASKS)
    return found


def stepper(trials: Any) -> Callable[[], float]:
    """A function that takes one step and returns its CPU seconds, after a first step."""
    batch = next(iter(trials.batches(0)))
    trials.step(batch)

    def step() -> float:
        start = time.process_time()
        trials.step(batch)
        return time.process_time() - start

    return step


def measure(cfgs: Sequence[Any], seconds: float) -> tuple[float, float]:
    """CPU seconds of a step of one trial, and of a stack of them all."""
    parts = build_trials(cfgs)
    single, stack = stepper(build(cfgs[0], parts[0].data, parts[0].loader).task), stepper(stack_of(parts))
    alone = together = inf
    end = time.process_time() + seconds
    while time.process_time() < end:
        alone, together = min(alone, single()), min(together, stack())
    return alone, together


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", default=[*GRID, "tasks"], choices=[*GRID, "tasks"])
    parser.add_argument("--trials", nargs="+", type=int, default=[2, 4, 8, 16])
    parser.add_argument("--seconds", type=float, default=0.15, help="CPU time of each ratio")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("\t".join(["case", "kind", "million multiply-adds", "ms alone", *map(str, options.trials)]), flush=True)
    by_rule = best = serial = 0.0
    for words in cases(options.kinds):
        with hydra_session() as hydra:
            own = ["device=cpu", "device.threads=1", *words]
            cfgs = [to_run(compose(hydra, [*own, f"trainer.seed={seed}"])) for seed in range(max(options.trials))]
        parts = build(cfgs[0])
        kind = kind_of(parts.model, parts.task)
        assert kind is not None
        work = inf if kind == "stack of the task" else work_of(parts)
        cells, alone = [], 0.0
        fewest = fewest_trials(kind, work)
        for trials in options.trials:
            alone, together = measure(cfgs[:trials], options.seconds)
            stacks = fewest is not None and trials >= fewest
            cells.append(f"{trials * alone / together:.2f} {'+' if stacks else '-'}")
            by_rule += together / alone / trials if stacks else 1.0
            best += min(together / alone / trials, 1.0)
            serial += 1.0
        name = " ".join(word for word in words if word.startswith(("task", "model", "trainer.batch")))
        row = [name, kind, "" if work == inf else f"{work / 1e6:.2g}", f"{alone * 1e3:.2f}", *cells]
        print("\t".join(row), flush=True)
    print(
        f"mean time with the rule: {by_rule / best:.3f} of that with the best choices, "
        f"{by_rule / serial:.3f} of that one by one"
    )


if __name__ == "__main__":
    main()
