"""A hand-written sweep with Hydra's own launchers, tracked in the store MLFLOW_TRACKING_URI.

python benchmarks/plain_sweep.py -m lr=1e-3,1e-2 seed=0,1 [figure=false log_model=false]
    [hydra/launcher=joblib hydra.launcher.n_jobs=2]
"""

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig
from plain_sweep_trial import Settings, create_experiment, train

ConfigStore.instance().store("plain_sweep", Settings)


@hydra.main(config_path=None, config_name="plain_sweep", version_base="1.3")
def main(cfg: DictConfig) -> float:
    return train(Settings(**cfg))


if __name__ == "__main__":
    create_experiment()
    main()
