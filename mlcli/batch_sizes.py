"""Sizes of batches and micro-batches."""


def batch_sizes(count: int, size: int) -> list[int]:
    """Sizes of consecutive batches of `count` examples. The last one may be smaller, but a single leftover example
    joins the batch before it, because batch normalisation cannot normalise one example."""
    full, rest = divmod(count, size)
    if rest == 1 and full:
        return [*[size] * (full - 1), size + 1]
    return [*[size] * full, *([rest] if rest else [])]
