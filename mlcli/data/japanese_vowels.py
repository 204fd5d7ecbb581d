"""Which of nine men says /ae/: 640 utterances of 7 to 29 steps (Kudo, Toyama and Shimbo 1999)."""

from mlcli.loading.aeon_series import load_series
from mlcli.loading.dataset import Examples


def japanese_vowels() -> Examples:
    """Sequences N × 29 × 12 of cepstrum coefficients, padded with NaN; 370 of them are the official test split."""
    return load_series("japanese_vowels", "JapaneseVowels", target="speaker", source="aeon: UEA JapaneseVowels")
