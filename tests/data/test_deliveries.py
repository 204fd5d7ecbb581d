import torch

from mlcli.data.deliveries import DAYS, EVENTS, VOCABULARY, deliveries


def test_the_class_is_the_day_that_follows_the_delivery() -> None:
    examples = deliveries(examples=300)
    seen = set()
    for note, target in zip(examples.inputs, examples.targets, strict=True):
        words = [VOCABULARY[token] for token in note if token]
        days = [word for word in words if word in DAYS]
        assert len(set(days)) == len(days) == sum(word in EVENTS for word in words) >= 2
        after = words[words.index("delivered") :]
        assert next(word for word in after if word in DAYS) == examples.classes[target]
        seen.add(len(words))
    assert len(seen) > 5 and examples.padded and examples.vocabulary == VOCABULARY


def test_padding_is_at_the_end_and_the_seed_decides() -> None:
    examples, again, other = deliveries(examples=60), deliveries(examples=60), deliveries(examples=60, seed=1)
    there = examples.inputs != 0
    assert (there[:, :-1] | ~there[:, 1:]).all() and examples.inputs.dtype == torch.int64
    assert torch.equal(examples.inputs, again.inputs) and not torch.equal(examples.inputs, other.inputs)
