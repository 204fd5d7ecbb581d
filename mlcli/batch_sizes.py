"""How many examples go into each batch, or into each part of a batch."""


def batch_sizes(count: int, size: int) -> list[int]:
    """Sizes of consecutive batches of `count` examples. What is left over is a smaller batch at the end, but a single
    example joins the batch before it: batch normalisation has no statistics of one."""
    full, rest = divmod(count, size)
    if rest == 1 and full:
        return [*[size] * (full - 1), size + 1]
    return [*[size] * full, *([rest] if rest else [])]
