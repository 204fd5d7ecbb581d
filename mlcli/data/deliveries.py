"""Synthetic notes on orders, classified by the day of the delivery; needs attention to one of several events."""

import random
from typing import Annotated

import torch

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EVENTS = ("ordered", "paid", "packed", "delivered")
ASIDES = ("late", "early", "already")
VOCABULARY = ("<pad>", ",", "on", *EVENTS, *ASIDES, *DAYS)
WANTED = "delivered"
LONGEST = 5 * len(EVENTS) - 1  # event, aside, on and day, separated by commas


def deliveries(examples: Annotated[int, Range(50)] = 4000, seed: int = 0) -> Examples:
    """Notes such as "paid on friday , delivered late on monday , ordered on sunday"; the class is the day delivered.

    Two to four events in random order, including the delivery, each on another day. The days in a note do not
    determine the class: a model must find the one that belongs to "delivered".
    """
    generator = random.Random(seed)
    notes, days = zip(*(_note(generator) for _ in range(examples)), strict=True)
    index = {token: i for i, token in enumerate(VOCABULARY)}
    inputs = torch.zeros(examples, LONGEST, dtype=torch.int64)
    for row, note in zip(inputs, notes, strict=True):
        row[: len(note)] = torch.tensor([index[token] for token in note])
    return Examples(
        name="deliveries",
        kind="tokens",
        inputs=inputs,
        targets=torch.tensor([DAYS.index(day) for day in days]),
        classes=DAYS,
        target="day delivered",
        source=f"synthetic, seed {seed}",
        vocabulary=VOCABULARY,
        tokenizer="words",
        padded=True,
    )


def _note(generator: random.Random) -> tuple[list[str], str]:
    """The tokens of a note, and the day of the delivery."""
    events = [WANTED, *generator.sample([event for event in EVENTS if event != WANTED], generator.randint(1, 3))]
    days = generator.sample(DAYS, len(events))
    clauses = list(zip(events, days, strict=True))
    generator.shuffle(clauses)
    tokens: list[str] = []
    for event, day in clauses:
        aside = [generator.choice(ASIDES)] if generator.random() < 0.5 else []
        tokens += [*([","] if tokens else []), event, *aside, "on", day]
    return tokens, days[0]
