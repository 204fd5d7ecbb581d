"""A run as an MLflow pyfunc: `mlflow.pyfunc.load_model` calls `_load_pyfunc` with the run's `model` folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow.exceptions import INVALID_PARAMETER_VALUE, MlflowException

from mlcli.run.user_configs import add_code_of_model
from mlcli.serve.predictor import Predictor
from mlcli.track.mlflow_model import PREDICTION, PROBABILITIES, has_probabilities
from mlcli.track.model_code import ARCHIVE

if TYPE_CHECKING:
    import pandas as pd


class InvalidInput(MlflowException, ValueError):  # type: ignore[misc]  # MLflow is untyped
    """An invalid input. MLflow's scoring server returns the messages of its own exceptions only."""

    def __init__(self, message: str) -> None:
        MlflowException.__init__(self, message, error_code=INVALID_PARAMETER_VALUE)


class Pyfunc:
    """The predictor of a run's `model` folder, with InvalidInput in place of ValueError.

    A classifier returns the class only, as MLflow's evaluation requires, and with `params={"probabilities": True}`
    the table with the probability of each class.
    """

    def __init__(self, folder: str) -> None:
        self.predictor = Predictor(folder)

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> "pd.DataFrame | pd.Series[Any]":
        try:
            table = self.predictor.predict(model_input)
        except ValueError as error:
            raise InvalidInput(str(error)) from error
        if has_probabilities(table.columns) and not (params or {}).get(PROBABILITIES):
            return table[PREDICTION]
        return table


def _load_pyfunc(data_path: str) -> Pyfunc:
    add_code_of_model(Path(data_path).parent / ARCHIVE)
    return Pyfunc(data_path)
