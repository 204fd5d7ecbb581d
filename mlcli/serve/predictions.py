"""Predictions of a run for a file of inputs."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlcli.config.errors import ConfigError
from mlcli.serve.input_files import images_in, read_inputs
from mlcli.serve.predict_rows import BATCH_ROWS, predict_rows
from mlcli.serve.predictor import Predictor, model_folder
from mlcli.serve.table_file import predict_table

if TYPE_CHECKING:
    import pandas as pd


def predict_file(
    run: Path, file: str, keep: Sequence[str] | None = (), note: Callable[[str], object] = lambda line: None
) -> "pd.DataFrame":
    """The batches of `predict_batches` as one table."""
    import pandas as pd

    return pd.concat(list(predict_batches(run, file, keep, note)), ignore_index=True)


def predict_batches(
    run: Path, file: str, keep: Sequence[str] | None = (), note: Callable[[str], object] = lambda line: None
) -> "Iterator[pd.DataFrame]":
    """Predictions for the rows of a file, in their order, or for every image of a folder. run: the run's folder.

    keep: columns of the file to put before the predictions; None: all. note: called at the end, with a line for each
    column of a table with missing values or unknown levels. Raises ConfigError for a run that did not finish, and for
    a file that cannot be read or does not fit.
    """
    import torch

    predictor = Predictor(model_folder(run))
    torch.set_num_threads(predictor.parts.threads)
    if predictor.parts.data.kind == "table":
        yield from predict_table(predictor, file, keep, note)
        return
    if keep is None or keep:
        raise ConfigError("--keep and --with-inputs need a run on a table of your own, such as data=csv")
    if Path(file).is_dir():
        yield _predict_images(predictor, Path(file), images_in(Path(file)), run / "model")
        return
    inputs = read_inputs(file, predictor.parts.data, run / "model")
    try:
        yield predict_rows(predictor, inputs)
    except ValueError as error:
        raise ConfigError(f"{file}: {error}") from error


def _predict_images(predictor: Predictor, folder: Path, images: Sequence[Path], model: Path) -> "pd.DataFrame":
    """Predictions for images, with their paths below the folder as first column. Raises ConfigError like
    `predict_file`."""
    import numpy as np
    import pandas as pd

    parts = []
    for start in range(0, len(images), BATCH_ROWS):
        batch = images[start : start + BATCH_ROWS]
        inputs = np.concatenate([read_inputs(str(path), predictor.parts.data, model) for path in batch])
        parts.append(predict_rows(predictor, inputs))
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "file", [path.relative_to(folder).as_posix() for path in images])
    return table
