"""The command that trains one trial of a sweep as a single run."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from mlcli.config.settings import Settings, leaves
from mlcli.sweep.variants import KEY as VARIANT

OF_SWEEP = (VARIANT, "trainer.repeats")  # a variant's own settings are among the overrides


def trial_command(overrides: Sequence[str], cfg: Settings, options: Mapping[str, str], flags: Sequence[str]) -> str:
    """`mlcli train …` with the overrides of the trial. flags: those of the sweep's command that choose configs.

    A setting that refers to the sweep or the trial has its value, and an experiment that is a sweep is one run,
    without its conclusion. A stack and a single run differ by rounding; a pruned trial is trained to its end.
    """
    values: dict[str, Any] = dict(leaves(cfg))
    kept: dict[str, str] = {}
    for text in overrides:
        name, _, value = text.partition("=")
        key = name.lstrip("+")
        if key in OF_SWEEP:
            continue
        kept[key] = f"{name}={values[key]}" if "${hydra:" in value and key in values else text
    if options.get("experiment") not in (None, "null", "None"):
        kept |= {"hydra.mode": "hydra.mode=RUN"}
    if cfg.conclusion is not None:
        kept |= {"conclusion": "conclusion=null"}
    return shlex.join(["mlcli", "train", *flags, *kept.values()])
