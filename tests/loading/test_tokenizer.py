"""Texts become tokens and texts again."""

import pytest

from mlcli.loading.tokenizer import PADDING, UNKNOWN, build_vocabulary, decode, encode, tokenize

TEXT = "Ça va? It's 3 o'clock, isn't it? Ça va!"


def test_words_are_lower_case_and_punctuation_stands_alone() -> None:
    words = ["ça", "va", "?", "it's", "3", "o'clock", ",", "isn't", "it", "?", "ça", "va", "!"]
    assert tokenize(TEXT, "words") == words
    assert tokenize(TEXT, "words", 3) == words[:3]


def test_terms_are_words_of_two_or_more_characters() -> None:
    assert tokenize(TEXT, "terms") == ["ça", "va", "it", "clock", "isn", "it", "ça", "va"]
    assert tokenize("a_1 x 42", "terms") == ["a_1", "42"]


def test_a_vocabulary_is_padding_unknown_and_all_tokens_sorted() -> None:
    assert build_vocabulary(["b a b", "c b a"], "words") == (PADDING, UNKNOWN, "a", "b", "c")
    assert build_vocabulary(["b a b", "c b a"], "words", length=1) == (PADDING, UNKNOWN, "b", "c")


def test_a_vocabulary_may_know_nothing_else() -> None:
    closed = (PADDING, "on", "monday")
    assert encode(["on monday"], "words", closed, 3).tolist() == [[1, 2, 0]]
    with pytest.raises(ValueError, match="'sunday' is not in the vocabulary of 3 tokens"):
        encode(["on sunday"], "words", closed, 3)


@pytest.mark.parametrize("tokenizer", ["characters", "bytes"])
def test_text_comes_back(tokenizer: str) -> None:
    vocabulary = build_vocabulary([TEXT], tokenizer)
    (row,) = encode([TEXT], tokenizer, vocabulary, 60)
    assert decode(row.tolist(), tokenizer, vocabulary) == TEXT
    assert row.count_nonzero() == len(TEXT.encode() if tokenizer == "bytes" else TEXT)


def test_words_come_back_with_spaces() -> None:
    vocabulary = build_vocabulary([TEXT], "words")
    (row,) = encode(["It's va?"], "words", vocabulary, 8)
    assert decode(row.tolist(), "words", vocabulary) == "it's va ?"


@pytest.mark.parametrize("tokenizer", ["words", "characters", "bytes"])
def test_long_texts_are_cut_and_short_ones_padded(tokenizer: str) -> None:
    vocabulary = build_vocabulary([TEXT], tokenizer)
    rows = encode([TEXT, "va", ""], tokenizer, vocabulary, 5)
    assert rows.shape == (3, 5) and (rows[0] > 0).all() and (rows[2] == 0).all()
    assert rows[1, -1] == 0 < rows[1, 0]


def test_what_is_not_in_the_vocabulary_is_unknown_but_no_byte_is() -> None:
    assert encode(["zebra"], "words", build_vocabulary(["va"], "words"), 2).tolist() == [[1, 0]]
    assert (encode(["zebra €"], "bytes", build_vocabulary([], "bytes"), 9) > 1).all()
