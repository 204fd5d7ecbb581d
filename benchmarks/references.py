"""Scores of mlcli's models compared with published ones: medians over three seeds of `mlcli train …`.

    python benchmarks/references.py [NAME …]      # default: all

One function per reference, with the published scores, the commands and the ranges of their scores.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console as Terminal
from rich.table import Table

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.run.build import build

SEEDS = 3


@dataclass(frozen=True)
class Row:
    """A model, its published score as text, the valid range of its score here, and the command that trains it."""

    model: str
    published: str
    low: float
    high: float
    metric: str
    command: str


def adding() -> Iterator[Row]:
    """Adding problem with 50 time steps, 2,000 batches (Hochreiter and Schmidhuber 1997). Gated networks solve it; a
    plain RNN stays near the mean squared error of predicting the mean, 1/6."""
    common = (
        "task=regression data=adding data.examples=50000 model.hidden_size=32 optimizer.lr=0.01 trainer.clip_norm=1 "
        "trainer.batch_size=64 trainer.epochs=5 trainer.max_steps=2000"
    )
    for model in ("lstm", "gru"):
        yield Row(model, "< 0.01", 0, 0.01, "test/mse", f"model={model} {common}")
    yield Row("rnn", "about 1/6", 0.08, 0.2, "test/mse", f"model=rnn {common}")


def mnist1d() -> Iterator[Row]:
    """MNIST-1D, accuracies from its README (Greydanus and Kobak 2020), whose models have 410, 15,210, 5,210 and 5,134
    weights. Each must reach the published accuracy minus 2 percentage points. The settings of the mlp are the best of
    five on a validation split of 20 %."""
    common = "data=mnist1d split.val=0.05 trainer.batch_size=100 trainer.monitor=val/accuracy scheduler=cosine"
    models = {
        "linear": ("32 %", 0.30, "trainer.epochs=60 optimizer.lr=0.01"),
        "mlp": (
            "68 %",
            0.66,
            "model.width=100 model.norm=batch_norm model.dropout=0.2 trainer.epochs=150 optimizer.lr=0.003",
        ),
        "cnn1d": ("94 %", 0.92, "model.depth=2 trainer.epochs=100 optimizer.lr=0.01"),
        "gru": (
            "91 %",
            0.89,
            "model.hidden_size=24 model.bidirectional=true model.pooling=mean trainer.epochs=60 optimizer.lr=0.01 "
            "trainer.clip_norm=1",
        ),
    }
    for model, (published, least, own) in models.items():
        yield Row(model, published, least, 1, "test/accuracy", f"model={model} {own} {common}")


def time_series() -> Iterator[Row]:
    """Time series of unequal and of equal length. No score of a GRU is published; the ranges are our own."""
    vowels = "data=japanese_vowels model.hidden_size=64 model.bidirectional=true trainer.epochs=40 optimizer.lr=0.003"
    yield Row("gru", "–", 0.95, 1, "test/accuracy", f"model=gru {vowels}")
    power = "data=italy_power model.hidden_size=32 trainer.epochs=100 optimizer.lr=0.01"
    yield Row("gru", "–", 0.9, 1, "test/accuracy", f"model=gru {power}")


def autoencoder() -> Iterator[Row]:
    """Digits with latent dimension 8. With pixels from 0 to 1, PCA of all images has a mean squared error of 0.0239,
    which is optimal for a linear autoencoder; a deep one must halve it. Ours are evaluated on held-out images with
    pixels from 0 to 16, so that errors are 16² times as large. Normalisation (split.normalise) shifts and scales all
    pixels of the one channel alike, which does not change the comparison."""
    pca, common = 0.0239 * 16**2, "task=reconstruction data=digits model=autoencoder model.code=8 scheduler=cosine"
    linear = f"{common} model.depth=0 optimizer.lr=0.01 trainer.epochs=100"
    yield Row("linear", f"{pca:.2f} (PCA)", 0.95 * pca, 1.05 * pca, "test/mse", linear)
    deep = f"{common} model.width=256 trainer.epochs=100"
    yield Row("deep", f"< {pca / 2:.2f}", 0, pca / 2, "test/mse", deep)


def diabetes() -> Iterator[Row]:
    """Least squares on all features with the last 20 patients held out, as in scikit-learn's tutorial, where R² is
    0.585. (The often quoted 0.518 is R² on all 442 patients, the training data; see tests/test_accuracy.py.)
    Full-batch gradient descent converges to the same weights."""
    whole = "optimizer=sgd optimizer.lr=0.2 trainer.batch_size=442 trainer.epochs=1000 trainer.monitor=train/loss"
    command = f"task=regression data=diabetes data.last=20 model=linear split.val=0.003 {whole}"
    yield Row("linear", "0.585", 0.575, 0.595, "test/r2", command)


def few_shot() -> Iterator[Row]:
    """Letters of fonts, 1-shot, with classes that are not in the training split. On Omniglot, with handwritten
    letters and classes in four rotations, Snell et al. (2017) report 98.8 % (5-way) and 96.0 % (20-way). For these
    letters no score is published, and the ranges are our own. Prototypes of an untrained network have 67 and 47 %."""
    common = (
        "task=few_shot model.depth=4 task.ways=20 task.episodes=50 trainer.epochs=10 optimizer.lr=0.003 "
        "scheduler=one_cycle"
    )
    for ways, published, least in ((5, "98.8 % (Omniglot)", 0.97), (20, "96.0 % (Omniglot)", 0.90)):
        command = f"model=cnn {common} task.test_ways={ways}"
        yield Row(f"cnn, {ways}-way", published, least, 1, "test/accuracy", command)


def sinusoids() -> Iterator[Row]:
    """Sinusoids with 10 shots, 20,000 meta-batches of 25 tasks (Finn et al. 2017, figure 3): the mean squared error
    on new tasks after 1 and 5 inner steps with learning rate 0.01; about 3 before adaptation. Joint training is far
    worse."""
    common = (
        "task=meta_learning data=sinusoids model.width=40 model.norm=none split.normalise=false optimizer.lr=0.001 "
        "trainer.epochs=40"
    )
    yield Row("maml", "0.45", 0, 0.45, "test/after_1_loss", f"task.method=maml {common}")
    yield Row("maml", "0.2", 0, 0.2, "test/after_5_loss", f"task.method=maml {common}")
    yield Row("fomaml", "slightly more", 0, 0.4, "test/after_5_loss", f"task.method=fomaml {common}")
    yield Row("joint", "far more", 1, 4, "test/after_5_loss", f"task.method=joint {common}")


def cartpole() -> Iterator[Row]:
    """CartPole-v1, which is solved at a mean return of 475 over 100 episodes; the maximum is 500."""
    for task in ("dqn", "reinforce"):
        yield Row(f"mlp, {task}", "475 (solved)", 475, 500, "test/return", f"task={task}")


REFERENCES: dict[str, Callable[[], Iterator[Row]]] = {
    reference.__name__: reference
    for reference in (adding, mnist1d, time_series, autoencoder, diabetes, few_shot, sinusoids, cartpole)
}


def measure(row: Row) -> list[float]:
    """The metric of each seed, smallest first."""
    words = [*row.command.split(), f"trainer.repeats={SEEDS}", "tracking=none", "sweep.figures=0"]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mlcli", "train", "-q", *words, f"outputs={folder}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (report,) = Path(folder).glob("sweeps/*/trials.json")
        trials = json.loads(report.read_text())["trials"]
    return sorted(trial["metrics"][row.metric] for trial in trials)


def weights(row: Row) -> int:
    """The number of parameters of the model."""
    with hydra_session() as hydra:
        parts = build(to_run(compose(hydra, row.command.split())))
    return sum(parameter.numel() for parameter in parts.model.parameters())


def main() -> None:
    names = sys.argv[1:] or list(REFERENCES)
    if unknown := set(names) - set(REFERENCES):
        sys.exit(f"no reference {', '.join(unknown)}: choose from {', '.join(REFERENCES)}")
    table = Table("reference", "model", "weights", "metric", "published", "ours", "per seed", "seconds", "in range")
    missed = False
    rows = [(name, row) for name in names for row in REFERENCES[name]()]
    for reference, row in rows:
        start = time.perf_counter()
        scores = measure(row)
        median, seconds = statistics.median(scores), time.perf_counter() - start
        holds = row.low <= median <= row.high
        missed = missed or not holds
        numbers = (f"{median:.4g}", " ".join(f"{score:.3g}" for score in scores), f"{seconds:.0f}")
        model = (row.model, f"{weights(row):,}", row.metric, row.published)
        table.add_row(reference, *model, *numbers, "yes" if holds else "NO")
    Terminal(width=120).print(table)
    sys.exit(missed)


if __name__ == "__main__":
    main()
