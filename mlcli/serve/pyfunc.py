"""MLflow's door to a run: `mlflow.pyfunc.load_model` calls this with the run's `model` folder."""

from mlcli.serve.predictor import Predictor


def _load_pyfunc(data_path: str) -> Predictor:
    return Predictor(data_path)
