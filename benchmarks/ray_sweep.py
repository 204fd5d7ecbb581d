"""The same hand-written trials with Ray Tune on two cores, tracked in the store MLFLOW_TRACKING_URI.

python benchmarks/ray_sweep.py --lr 1e-3,1e-2 --seed 0,1 [--epochs 5]
"""

import argparse
from pathlib import Path
from typing import Any

import ray
from plain_sweep_trial import Settings, create_experiment, train
from ray import tune


def trial(values: dict[str, Any]) -> None:
    tune.report({"loss": train(Settings(**values))})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lr", required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    create_experiment()
    ray.init(num_cpus=2, include_dashboard=False)
    tuner = tune.Tuner(
        tune.with_resources(trial, {"cpu": 1}),
        param_space={
            "lr": tune.grid_search([float(rate) for rate in options.lr.split(",")]),
            "seed": tune.grid_search([int(seed) for seed in options.seed.split(",")]),
            "epochs": options.epochs,
        },
        # Otherwise each trial would have a new process, which imports torch and MLflow.
        tune_config=tune.TuneConfig(metric="loss", mode="min", reuse_actors=True),
        run_config=tune.RunConfig(storage_path=str(Path.cwd() / "ray"), verbose=0),
    )
    tuner.fit()
    ray.shutdown()


if __name__ == "__main__":
    main()
