"""Examples, and data sets: examples with their splits and the statistics of the training split."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mlcli.loading.digest import VERSION, digest, sampled_digest
from mlcli.loading.preprocessing import Preprocessing, Standardise
from mlcli.loading.table.preprocessing import TablePreprocessing
from mlcli.loading.table.schema import Encoded, Schema
from mlcli.loading.tokenizer import decode, encode

if TYPE_CHECKING:
    import pyarrow as pa
    from scipy.sparse import csr_array

INDEX_KINDS = ("tokens", "state")  # whose values are indices


@dataclass(frozen=True, eq=False)
class Examples:
    """What the function of a data set returns, unsplit, in the units of the source. N examples, T steps, C classes.

    kind: vector, table, image, sequence, tokens, or state (of a decision process).
    inputs: N × shape, float32. Tables are N × D, float64: raw numbers, NaN where missing, codes of categories, 0
    where missing or unknown, and components of texts, NaN until they are fitted to a split, as `schema` says. Images
    are N × channels × height × width, sequences N × T × D. Tokens are N × T indices of the vocabulary and states
    N × 1 indices (int64). Examples shorter than T are padded at their end, sequences with NaN, tokens with 0.
    targets: N class indices (int64), or N numbers (float32) for regression. For sequence labelling N × T class
    indices, with -1 where a step has no label; for multi-label classification N × C zeros and ones (float32).
    classes: names of the classes; empty for regression. features: names of the elements of vectors.
    vocabulary: names of the tokens, padding first; tokenizer: words, terms, characters or bytes, if the tokens are
    text. fit: fits the preprocessing to the inputs of the training split, N × shape, and to whether they are
    normalised; None: the one of the kind, which leaves tokens as they are.
    padded: whether examples may be padded, including future ones that are predicted.
    notes: guesses of the reader of a table that a person might want to correct, a line each.
    test, val: indices of the official test and validation splits, if there are any.
    sample: of a table, the values of the first rows by column, as in the source.
    schema: of a table, what its columns are and how texts become their numbers. texts: of each of its columns of
    texts, counts of n-grams (`count_n_grams`). weights: N weights of the examples in training, if they differ.
    truth: the true parameters of a synthetic data set, if known.
    groups: N indices of the groups (patients, tasks) of examples that are not independent.
    world: for reinforcement learning, a `FiniteMDP` or an `Environment`; the examples are states or observations and
    the classes are actions.
    """

    name: str
    kind: str
    inputs: Tensor
    targets: Tensor
    classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    target: str = "target"
    source: str = ""
    test: Tensor | None = None
    val: Tensor | None = None
    schema: Schema | None = None
    texts: tuple["csr_array", ...] = ()
    weights: Tensor | None = None
    sample: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    truth: dict[str, float] | None = None
    groups: Tensor | None = None
    world: Any = None
    vocabulary: tuple[str, ...] = ()
    tokenizer: str = ""
    padded: bool = False
    notes: tuple[str, ...] = ()
    fit: Callable[[Tensor, bool], Preprocessing] | None = None

    @property
    def has_next_tokens(self) -> bool:
        """Whether the targets are tokens too: those that follow each token of a text."""
        is_each = self.targets.ndim == 2 and not self.targets.is_floating_point()
        return self.kind == "tokens" and not self.classes and is_each

    @cached_property
    def digest(self) -> str:
        """A hash of everything that the splits and results of a run depend on."""
        names: tuple[Any, ...] = (self.kind, self.classes, self.vocabulary, self.tokenizer)
        names += () if self.schema is None else (self.schema,)
        later = [each for each in (self.val, self.weights) if each is not None]  # of data sets that have them
        parts = (self._unfitted, self.targets, self.test, self.groups, *self._tables, *later, *self._counts)
        return digest(names, parts)

    @property
    def _unfitted(self) -> Tensor:
        """The inputs without the components of texts, which depend on the split."""
        places = () if self.schema is None else self.schema.text_places
        if not places:
            return self.inputs
        fitted = {place for own in places for place in own}
        return self.inputs[:, [place for place in range(self.inputs.shape[1]) if place not in fitted]]

    @property
    def _counts(self) -> list[Tensor]:
        """The parts of the counts of texts."""
        types = {"indptr": np.int64, "indices": np.int32, "data": np.float32}
        named = [(getattr(own, name), dtype) for own in self.texts for name, dtype in types.items()]
        return [torch.from_numpy(part.astype(dtype, copy=False)) for part, dtype in named]

    @property
    def _tables(self) -> tuple[Tensor, ...]:
        """The transition model of a finite decision process."""
        return () if self.world is None else self.world.tables


@dataclass(frozen=True, eq=False)
class DataSet:
    """Examples with their splits ("train", "val", "test" → sorted int64 indices).

    preprocessing: of raw inputs, fitted on the training split.
    samples_per_epoch: how many training examples an epoch takes, where it does not take each exactly once.
    """

    examples: Examples
    splits: dict[str, Tensor]
    preprocessing: Preprocessing
    samples_per_epoch: int | None = None

    def __len__(self) -> int:
        return len(self.examples.inputs)

    @property
    def name(self) -> str:
        return self.examples.name

    @property
    def kind(self) -> str:
        return self.examples.kind

    @property
    def evaluation_split(self) -> str:
        """The split of the final evaluation: "test", or "train" where nothing is held out."""
        return "test" if len(self.splits["test"]) else "train"

    @property
    def epoch_size(self) -> int:
        """How many training examples an epoch takes."""
        return self.samples_per_epoch or len(self.splits["train"])

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one raw example."""
        return tuple(self.examples.inputs.shape[1:])

    @property
    def prepared_kind(self) -> str:
        """The kind of preprocessed examples."""
        return self.preprocessing.kind(self.kind)

    @property
    def prepared_shape(self) -> tuple[int, ...]:
        """Of one preprocessed example."""
        return self.preprocessing.shape(self.shape)

    @property
    def padded(self) -> bool:
        """Whether preprocessed examples may be padded. Vectors of texts are not."""
        return self.examples.padded and self.prepared_kind == self.kind

    @cached_property
    def targets(self) -> Tensor:
        """The targets of the examples. Those that are tokens are preprocessed as the inputs are; -1 stays."""
        raw = self.examples.targets
        if not self.examples.has_next_tokens or self.prepared_kind != "tokens":
            return raw
        return torch.where(raw < 0, raw, self.preprocessing(raw.clamp(min=0)))

    @property
    def standardise(self) -> Standardise:
        """The preprocessing of all kinds but tables. Raises ValueError for a table."""
        if not isinstance(self.preprocessing, Standardise):
            raise ValueError(f"data={self.name} is a table, which has no mean and standard deviation")
        return self.preprocessing

    @property
    def classes(self) -> tuple[str, ...]:
        return self.examples.classes

    @property
    def features(self) -> tuple[str, ...]:
        return self.examples.features

    @cached_property
    def prepared_features(self) -> tuple[str, ...]:
        """Names of the elements of vectors that are preprocessed, of texts too."""
        return self.features if self.prepared_kind == self.kind else self.preprocessing.names(self.vocabulary)

    @property
    def levels(self) -> dict[int, tuple[str, ...]]:
        """Of a table, by index of a feature that is a code: the names of codes from 1 on."""
        return {} if self.examples.schema is None else self.examples.schema.levels

    @property
    def target(self) -> str:
        return self.examples.target

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Names of the raw tokens."""
        return self.examples.vocabulary

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """Names of the preprocessed tokens or states, by index; () for other kinds."""
        return self.preprocessing.names(self.vocabulary) if self.prepared_kind in INDEX_KINDS else ()

    def encode(self, texts: Sequence[str]) -> Tensor:
        """N texts → N × T tokens, with the tokenizer of this data. Raises ValueError for data that is not text."""
        if not self.examples.tokenizer:
            raise ValueError(f"data={self.name} is not text.")
        return encode(texts, self.examples.tokenizer, self.vocabulary, self.shape[0])

    def encode_rows(self, rows: "pa.Table", before: int = 0) -> Encoded:
        """Rows of a table as raw inputs, with the components of their texts. before: rows of the file before these.
        Raises ValueError as `Schema.encode`, and for data that is no table."""
        if self.examples.schema is None or not isinstance(self.preprocessing, TablePreprocessing):
            raise ValueError(f"the run was trained on {self.kind} inputs, not on a table")
        encoded = self.examples.schema.encode(rows, before)
        return replace(encoded, values=self.preprocessing.filled(encoded.values, encoded.texts))

    def decode(self, indices: Iterable[int]) -> str:
        """Tokens → text; if the tokens are not text, their names separated by spaces."""
        return decode(indices, self.examples.tokenizer or "words", self.vocabulary)

    @property
    def digest(self) -> str:
        """The digest of the examples; it does not depend on the split."""
        return self.examples.digest

    def is_described_by(self, description: dict[str, Any]) -> bool:
        """Whether this is the `describe()` of the same examples, by the digest of the version that wrote it."""
        own = self.examples
        is_new = description.get("digest_version") == VERSION
        here = own.digest if is_new else sampled_digest(own.inputs, own.targets, own._tables)
        return here == str(description["digest"])

    def describe(self) -> dict[str, Any]:
        """Metadata as plain values."""
        return {
            "name": self.name,
            "kind": self.kind,
            "shape": list(self.shape),
            "classes": list(self.classes),
            "features": list(self.features),
            "target": self.target,
            "source": self.examples.source,
            "examples": {split: len(indices) for split, indices in self.splits.items()},
            "digest": self.digest,
            "digest_version": VERSION,
            "vocabulary": list(self.vocabulary),
            "tokenizer": self.examples.tokenizer,
            "padded": self.examples.padded,
            **({} if self.examples.schema is None else {"schema": self.examples.schema.to_json()}),
            **({"notes": list(self.examples.notes)} if self.examples.notes else {}),
        }
