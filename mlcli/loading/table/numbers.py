"""Numbers from texts, exactly as Python's float() reads them, by a format that is found once per column.

A format is a set of words: `decimal_comma`; `thousands_comma`, `thousands_point` or `thousands_space`; `percent` (12%
is 12); `currency` (the symbol, the same in all values, is left out). Without words: 1234.5.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

WORDS = ("decimal_comma", "thousands_comma", "thousands_point", "thousands_space", "percent", "currency")
LARGEST_WHOLE = 2**53  # float64 holds every whole number below it
SYMBOL = r"(?:[$€£¥₹₽]|US\$|USD|EUR|GBP|CHF|JPY)"
EXPONENT = r"(?:[eE][+-]?\d+)?"
INFINITE = r"(?i:inf|infinity)"
SPACE = "[ '’\u00a0\u202f]"
# The quick test: what needs no further look. No leading zeros, at most 15 digits before the point.
PLAIN = r"^-?(?:0|[1-9]\d{0,14})(?:\.\d+)?(?:[eE][+-]?\d{1,2})?$"
# By the words about digits: what a number looks like.
PATTERNS = {
    "": rf"^[+-]?(?:(?:\d+\.?\d*|\.\d+){EXPONENT}|{INFINITE})$",
    "thousands_comma": rf"^[+-]?(?:[1-9]\d{{0,2}}(?:,\d{{3}})+(?:\.\d*)?|(?:\d+\.?\d*|\.\d+){EXPONENT}|{INFINITE})$",
    "decimal_comma": rf"^[+-]?(?:(?:\d+,?\d*|,\d+){EXPONENT}|{INFINITE})$",
    "decimal_comma thousands_point": (
        rf"^[+-]?(?:[1-9]\d{{0,2}}(?:\.\d{{3}})+(?:,\d*)?|(?:\d+,?\d*|,\d+){EXPONENT}|{INFINITE})$"
    ),
    "thousands_space": (
        rf"^[+-]?(?:[1-9]\d{{0,2}}(?:{SPACE}\d{{3}})+(?:\.\d*)?|(?:\d+\.?\d*|\.\d+){EXPONENT}|{INFINITE})$"
    ),
    "decimal_comma thousands_space": (
        rf"^[+-]?(?:[1-9]\d{{0,2}}(?:{SPACE}\d{{3}})+(?:,\d*)?|(?:\d+,?\d*|,\d+){EXPONENT}|{INFINITE})$"
    ),
}
# A comma that separates decimals, whatever the other columns say.
CLEAR_DECIMAL_COMMA = r"^[+-]?(?:\d*,(?:\d{1,2}|\d{4,})|0\d*,\d*|\d{4,},\d*)$"
AMBIGUOUS_COMMA = r"^[+-]?[1-9]\d{0,2},\d{3}$"
AMBIGUOUS_POINT = r"^[+-]?[1-9]\d{0,2}(?:\.\d{3})+$"


def all_match(texts: Any, pattern: str) -> bool:
    """Whether all texts that are not missing match."""
    return pc.all(pc.match_substring_regex(texts, pattern), min_count=0).as_py() is not False


def any_match(texts: Any, pattern: str) -> bool:
    return pc.any(pc.match_substring_regex(texts, pattern), min_count=0).as_py() is True


def number_format(texts: Any, decimal: str = "auto") -> str | None:
    """The words that parse all texts (without spaces around them), or None if there are none.

    decimal: "." or "," of the file, or "auto". 1,234 is 1234, unless the decimal sign is a comma.
    """
    if all_match(texts, PATTERNS[""]) and decimal != ",":
        return ""
    words = []
    texts = _ascii_minus(texts)
    if any_match(texts, SYMBOL):
        symbols = pc.unique(pc.struct_field(pc.extract_regex(texts, f"(?P<symbol>{SYMBOL})"), 0)).drop_null()
        if len(symbols) != 1:
            return None
        texts = _without_currency(texts)
        words.append("currency")
    if any_match(texts, "%$"):
        if not all_match(texts, "%$"):
            return None  # 12% and 0.12 in one column may be the same
        texts = _without_percent(texts)
        words.append("percent")
    digits = _digit_format(texts, decimal)
    return None if digits is None else " ".join([*digits.split(), *words])


def _digit_format(texts: Any, decimal: str) -> str | None:
    """The words about digits that parse all texts, the simplest first."""
    if decimal == ",":
        if any_match(texts, r"\.") and all_match(texts, rf"{AMBIGUOUS_POINT}|^[+-]?\d{{1,3}}$"):
            return "decimal_comma thousands_point"
        order = ["", "decimal_comma", *PATTERNS]
    else:
        order = [name for name in PATTERNS if decimal == "auto" or "decimal_comma" not in name]
    return next((name for name in order if all_match(texts, PATTERNS[name])), None)


def parse_numbers(texts: Any, format: str) -> tuple[Any, Any]:
    """Texts (clean, missing ones null) → float64, null where missing or wrong, and which are wrong (boolean;
    one value if none is)."""
    words = format.split()
    if not words and all_match(texts, PATTERNS[""]):
        return pc.cast(texts, pa.float64()), pa.array([False])
    texts = _ascii_minus(texts)
    wrong = None
    if "currency" in words:
        texts = _without_currency(texts)
    if "percent" in words:
        wrong = pc.invert(pc.match_substring_regex(texts, "%$"))
        texts = _without_percent(texts)
    digits = " ".join(word for word in words if word not in ("currency", "percent"))
    fits = pc.match_substring_regex(texts, PATTERNS[digits])
    wrong = pc.invert(fits) if wrong is None else pc.or_(wrong, pc.invert(fits))
    texts = pc.if_else(fits, texts, pa.scalar(None, texts.type))
    for word, pattern in (("thousands_comma", ","), ("thousands_point", r"\."), ("thousands_space", SPACE)):
        if word in words:
            texts = pc.replace_substring_regex(texts, pattern, "")
    if "decimal_comma" in words:
        texts = pc.replace_substring(texts, ",", ".")
    return pc.cast(texts, pa.float64()), pc.fill_null(wrong, False)


def _ascii_minus(texts: Any) -> Any:
    return pc.replace_substring(texts, "\u2212", "-")


def _without_currency(texts: Any) -> Any:
    """`$5`, `-$5`, `$-5`, `5 €` → `5`, `-5`, `-5`, `5`."""
    front = pc.replace_substring_regex(texts, rf"^([+-]?)\s*{SYMBOL}\s*", r"\1")
    return pc.replace_substring_regex(front, rf"\s*{SYMBOL}$", "")


def _without_percent(texts: Any) -> Any:
    return pc.replace_substring_regex(texts, r"\s*%$", "")
