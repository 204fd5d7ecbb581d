"""A run as an MLflow pyfunc: `mlflow.pyfunc.load_model` calls `_load_pyfunc` with the run's `model` folder."""

from typing import TYPE_CHECKING, Any

from mlflow.exceptions import INVALID_PARAMETER_VALUE, MlflowException

from mlcli.serve.predictor import Predictor

if TYPE_CHECKING:
    import pandas as pd


class InvalidInput(MlflowException, ValueError):  # type: ignore[misc]  # MLflow is untyped
    """An invalid input. MLflow's scoring server returns the messages of its own exceptions only."""

    def __init__(self, message: str) -> None:
        MlflowException.__init__(self, message, error_code=INVALID_PARAMETER_VALUE)


class Pyfunc(Predictor):
    """The predictor with InvalidInput in place of ValueError."""

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> "pd.DataFrame":
        try:
            return super().predict(model_input, params)
        except ValueError as error:
            raise InvalidInput(str(error)) from error


def _load_pyfunc(data_path: str) -> Predictor:
    return Pyfunc(data_path)
