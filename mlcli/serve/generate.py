"""A language model's text after a prompt, from a run's folder."""

from pathlib import Path

import torch

from mlcli.config.errors import ConfigError
from mlcli.run.load import load_model
from mlcli.serve.predictor import model_folder
from mlcli.traits import Generates


def generate(folder: Path, prompt: str, tokens: int, temperature: float, seed: int) -> str:
    """So many tokens that follow the prompt, with the run's best weights.

    Raises ConfigError for a run that did not finish or is no language model, and for a prompt that it cannot read.
    """
    parts = load_model(model_folder(folder))
    if not isinstance(parts.task, Generates):
        raise ConfigError(
            f"{folder.name} is no language model, and only those take a --prompt: train one with "
            "`mlcli train task=language_model`."
        )
    torch.set_num_threads(parts.threads)
    try:
        return parts.task.generate(prompt, tokens, temperature, seed)
    except ValueError as error:
        raise ConfigError(str(error)) from error
