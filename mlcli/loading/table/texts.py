"""Columns of texts as numbers: hashed counts of character n-grams, and their TF-IDF reduced to a few components.

Counts need nothing that is fitted; the components are fitted on the training split. Shapes: N rows, H buckets, T
components.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.evenly import evenly_spaced
from mlcli.loading.table.columns import TEXT_COMPONENTS

if TYPE_CHECKING:
    import pyarrow as pa
    from scipy.sparse import csr_array

BUCKETS = 1 << 12
LENGTHS = (3, 4)  # characters of an n-gram
ROWS = 512  # that are hashed at once
BATCH = 8192  # rows that are projected at once
MOST_ROWS = 20_000  # that components are fitted on
SMALLEST = 1e-6  # singular value beside the largest one
DECIMALS = 6  # of a component: what is smaller is noise, which a scaling by quartiles would enlarge
SPACE = ord(" ")
FNV_PRIME = np.uint32(16777619)


def count_n_grams(texts: "pa.ChunkedArray") -> "csr_array":
    """N texts → N × H, float32: how often n-grams of 3 and 4 characters of each bucket occur; none where missing.

    N-grams are those of scikit-learn's `analyzer="char_wb"`: of the words in lower case, each with a space before and
    after it. Buckets are by FNV-1a (Fowler, Noll & Vo) of the code points, several times as fast as scikit-learn's
    HashingVectorizer. 8 bytes per different n-gram of a row: 0.24 GB for 100,000 texts of 200 characters.
    """
    from scipy.sparse import csr_array, vstack

    parts = [_count(texts.slice(start, ROWS).to_pylist()) for start in range(0, len(texts), ROWS)]
    return csr_array(vstack(parts, "csr")) if parts else csr_array((0, BUCKETS), dtype=np.float32)


def _count(texts: Sequence[str | None]) -> "csr_array":
    from scipy.sparse import csr_array

    padded = [f" {' '.join((text or '').lower().split())} " for text in texts]
    points = np.frombuffer("".join(padded).encode("utf-32-le"), "<u4")
    first = np.repeat(np.arange(len(texts), dtype=np.int32) * BUCKETS, [len(text) for text in padded])
    inner = points != SPACE
    keys = []
    for length in LENGTHS:
        count = max(len(points) - length + 1, 0)
        hashed = np.full(count, length, np.uint32)
        inside = np.ones(count, dtype=bool)  # of one word: two texts too have spaces between them
        for place in range(length):
            hashed = (hashed ^ points[place : place + count]) * FNV_PRIME
            if 0 < place < length - 1:
                inside &= inner[place : place + count]
        buckets = (hashed ^ (hashed >> np.uint32(15))) % np.uint32(BUCKETS)
        keys.append((first[:count] + buckets.astype(np.int32))[inside])
    found, counts = np.unique(np.concatenate(keys), return_counts=True)
    starts = np.searchsorted(found, np.arange(len(texts) + 1) * BUCKETS).astype(np.int32)  # half the memory of int64
    return csr_array((counts.astype(np.float32), found % BUCKETS, starts), shape=(len(texts), BUCKETS))


class TextComponents(nn.Module):
    """Counts of n-grams → components: latent semantic analysis (Deerwester et al. 1990)."""

    idf: Tensor  # H, float32: ln((1 + N) / (1 + rows with the n-gram)) + 1
    components: Tensor  # H × T, float32

    def __init__(self, idf: Tensor, components: Tensor) -> None:
        """Raises ValueError for buffers of other shapes or types, and for numbers that no fit gives."""
        super().__init__()
        wanted = (((BUCKETS,), idf), ((BUCKETS, TEXT_COMPONENTS), components))
        fits = all(tuple(own.shape) == shape and own.dtype == torch.float32 for shape, own in wanted)
        finite = all(bool(own.isfinite().all()) for _, own in wanted)
        if not (fits and finite and bool((idf >= 1).all())):
            raise ValueError("the components of texts are not of this table")
        self.register_buffer("idf", idf)
        self.register_buffer("components", components)

    def forward(self, counts: "csr_array") -> Tensor:
        """N × H → N × T, float64, on the CPU. A row has the same components in any batch."""
        idf, components = self.idf.cpu().numpy(), self.components.cpu().double().numpy()
        starts = range(0, counts.shape[0], BATCH)
        parts = [_tf_idf(counts[start : start + BATCH], idf) @ components for start in starts]
        found = np.concatenate(parts) if parts else np.empty((0, TEXT_COMPONENTS))
        return torch.from_numpy(np.round(found, DECIMALS))


def fit_components(counts: "csr_array", rows: np.ndarray) -> TextComponents:
    """Fits the components to the counts of these rows, or of 20,000 evenly spaced ones of them.

    They are those of scikit-learn's TruncatedSVD, divided by one number, so that their variances add up to 1; where
    the texts have fewer than T components, the others are 0.
    """
    chosen = counts[rows[evenly_spaced(len(rows), MOST_ROWS)]]
    count = chosen.shape[0]
    frequency = np.bincount(chosen.indices, minlength=BUCKETS)
    idf = (np.log((1 + count) / (1 + frequency)) + 1).astype(np.float32)
    components = np.zeros((BUCKETS, TEXT_COMPONENTS))
    if chosen.nnz:
        from sklearn.decomposition import TruncatedSVD
        from threadpoolctl import threadpool_limits

        weights = _tf_idf(chosen, idf)
        most = min(count, TEXT_COMPONENTS)
        # One thread: more of them change the last bits. It divides by the variance, 0 where all texts are the same.
        with threadpool_limits(1), np.errstate(invalid="ignore"):
            svd = TruncatedSVD(most, random_state=0).fit(weights)
        kept = svd.singular_values_ > SMALLEST * svd.singular_values_[0]
        components[:, :most] = svd.components_.T * kept
        spread = float(np.sqrt((weights @ components).var(0).sum()))
        components /= spread if spread > SMALLEST else 1
    return TextComponents(torch.from_numpy(idf), torch.from_numpy(components).float())


def _tf_idf(counts: "csr_array", idf: np.ndarray) -> "csr_array":
    """(1 + ln count) · idf of each n-gram, divided by the Euclidean norm of the row: N × H, float64."""
    from scipy.sparse import csr_array

    values = (1 + np.log(counts.data, dtype=np.float64)) * idf[counts.indices]
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    norm = np.sqrt(np.bincount(row, values**2, counts.shape[0]))
    return csr_array((values / norm[row], counts.indices, counts.indptr), shape=counts.shape)
