"""Surnames by country, in Latin letters, from the package faker."""

from importlib import import_module
from importlib.util import find_spec
from typing import Annotated

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples
from mlcli.loading.text_examples import text_examples
from mlcli.packages import needs

COUNTRIES = {
    "Croatia": "hr_HR",
    "Estonia": "et_EE",
    "Finland": "fi_FI",
    "France": "fr_FR",
    "Germany": "de_DE",
    "Great Britain": "en_GB",
    "Italy": "it_IT",
    "Netherlands": "nl_NL",
    "Slovakia": "sk_SK",
    "Spain": "es_ES",
    "Sweden": "sv_SE",
}
LISTS = ("last_names", "last_names_male", "last_names_female")


def surnames(length: Annotated[int, Range(1)] = 20) -> Examples:
    """The first `length` characters of 8,258 names, without names that occur in several countries. Raises ValueError,
    with what to install, if faker is missing."""
    if find_spec("faker") is None:
        raise ValueError(needs("data=surnames", "faker"))
    names = {country: _names(locale) for country, locale in COUNTRIES.items()}
    pairs = [
        (name, country)
        for country, own in names.items()
        for name in sorted(own)
        if not any(name in others for other, others in names.items() if other != country)
    ]
    return text_examples(
        [name for name, _ in pairs],
        [country for _, country in pairs],
        tokenizer="characters",
        length=length,
        name="surnames",
        target="country",
        source="faker: surnames by country",
    )


def _names(locale: str) -> set[str]:
    provider = import_module(f"faker.providers.person.{locale}").Provider
    return {name for each in LISTS for name in getattr(provider, each, ())}
