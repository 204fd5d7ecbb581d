"""What to use instead of a metric that a run does not have. Imports neither torch nor numpy."""

import difflib
from collections.abc import Iterable

SPLITS = ("train", "val", "test")


def suggest_metric(metric: str, known: Iterable[str]) -> str:
    """` Did you mean …?` with the most similar metric, followed by the others. Of those of single classes, of which
    there can be thousands, it has one example."""
    names = sorted(known)
    split, _, name = metric.lower().partition("/")
    validated = f"val/{name}" if split in SPLITS else ""  # rather than the same metric of the training split
    near = [each for each in names if each.lower() in (metric.lower(), validated)]
    near = near or difflib.get_close_matches(metric, names, n=1)
    overall = [name for name in names if name.count("/") < 2]
    classes = [name for name in names if name.count("/") > 1]
    more = f", and per-class metrics such as {classes[0]}" if classes else ""
    question = f" Did you mean {near[0]}?" if near else ""
    return f"{question} Choices: {', '.join(overall)}{more}." if names else ""
