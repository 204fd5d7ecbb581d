"""Text generation by a trained language model."""

from pathlib import Path

import torch

from mlcli.config.errors import ConfigError
from mlcli.run.load import load_model
from mlcli.serve.predictor import model_folder
from mlcli.traits import Generates


def generate(folder: Path, prompt: str, tokens: int, temperature: float, seed: int) -> str:
    """Generates `tokens` tokens after the prompt, with the run's best weights.

    Raises ConfigError for a run that did not finish or is not a language model, and for a prompt that cannot be
    tokenised.
    """
    parts = load_model(model_folder(folder))
    if not isinstance(parts.task, Generates):
        raise ConfigError(
            f"{folder.name} is not a language model, which --prompt requires: train one with "
            "`mlcli train task=language_model`."
        )
    torch.set_num_threads(parts.threads)
    try:
        return parts.task.generate(prompt, tokens, temperature, seed)
    except ValueError as error:
        raise ConfigError(str(error)) from error
