"""Sizes of batches and micro-batches."""


def batch_sizes(count: int, size: int) -> list[int]:
    """Sizes of consecutive batches of `count` examples. The last one may be smaller, but a single leftover example
    joins the batch before it, because batch normalisation cannot normalise one example."""
    full, rest = divmod(count, size)
    if rest == 1 and full:
        return [*[size] * (full - 1), size + 1]
    return [*[size] * full, *([rest] if rest else [])]


def default_batch_size(examples: int) -> int:
    """The size of trainer.batch_size=null: the largest power of two that gives eight batches in an epoch, from 16 to
    256."""
    return min(max(1 << max(examples // 8, 1).bit_length() - 1, 16), 256)
