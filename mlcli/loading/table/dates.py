"""Dates from texts, by a format that is found once per column: `iso` reads every style in which day and month cannot
be confused; `day_first` and `month_first` also read 01/02/2024."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlcli.loading.table.numbers import all_match, any_match

FORMATS = ("iso", "day_first", "month_first")
TIME = (
    r"(?:(?:T|\s+|,\s*)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}(?:\.\d+)?))?\s*(?P<half>[AaPp][Mm])?"
    r"\s*(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?)?$"
)
NAME = r"(?P<name>(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6})"
CLEAR_STYLES = (
    rf"^(?P<year>\d{{4}})(?:-|/|\.)(?P<month>\d{{1,2}})(?:-|/|\.)(?P<day>\d{{1,2}}){TIME}",  # 2024-01-31
    rf"^(?P<day>\d{{1,2}})\.\s?(?P<month>\d{{1,2}})\.\s?(?P<year>\d{{4}}){TIME}",  # 31.01.2024
    rf"^(?P<day>\d{{2}})\.(?P<month>\d{{2}})\.(?P<year>\d{{2}}){TIME}",  # 31.01.24
    rf"^(?P<day>\d{{1,2}})[ .-]{{1,2}}{NAME}[ .,-]{{1,2}}(?P<year>\d{{4}}){TIME}",  # 31 Jan 2024
    rf"^{NAME}\.? (?P<day>\d{{1,2}}),? (?P<year>\d{{4}}){TIME}",  # Jan 31, 2024
)
ORDERED_STYLES = (
    rf"^(?P<left>\d{{1,2}})/(?P<right>\d{{1,2}})/(?P<year>\d{{4}}|\d{{2}}){TIME}",  # 01/02/2024
    rf"^(?P<left>\d{{1,2}})-(?P<right>\d{{1,2}})-(?P<year>\d{{4}}){TIME}",
)
DIGITS = r"\d.*\d"  # a quick test: every date has them
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
PIVOT = 69  # two-digit years from here on are of the 20th century, as in POSIX


def date_format(texts: pa.Array, order: str = "auto") -> tuple[str | None, str]:
    """The format that parses all of these distinct texts, or None; and an ambiguous text, if the format needs one of
    day_first and month_first and nothing decides. order: the user's choice, or auto."""
    if not all_match(texts, DIGITS):
        return None, ""
    needs_order = any(any_match(texts, style) for style in ORDERED_STYLES)
    orders = ["iso"] if not needs_order else ["day_first", "month_first"] if order == "auto" else [order]
    days = {each: parse_days(texts, each) for each in orders}
    fitting = [each for each in orders if not np.isnan(days[each][_valid(texts)]).any()]
    if len(fitting) < 2:
        return (fitting[0] if fitting else None), ""
    differ = np.flatnonzero(days["day_first"] != days["month_first"])
    if not len(differ):
        return "day_first", ""  # such as 01/01/2024: both are the same
    return None, str(texts[int(differ[0])].as_py())


def _valid(texts: Any) -> np.ndarray:
    return np.asarray(texts.is_valid())


def parse_days(texts: pa.Array, format: str) -> np.ndarray:
    """Texts → days since 1970-01-01 (UTC where a time zone is given) with the fraction of the day; NaN where missing
    or no date in this format."""
    days = np.full(len(texts), np.nan)
    for style in CLEAR_STYLES:
        if not np.isnan(days).any():
            return days
        found = pc.extract_regex(texts, style)
        if found.null_count < len(found):
            _fill(days, found, _whole(found, "year"), _month(found), _whole(found, "day"))
    if format != "iso":
        for style in ORDERED_STYLES:
            found = pc.extract_regex(texts, style)
            if found.null_count == len(found):
                continue
            left, right = _whole(found, "left"), _whole(found, "right")
            day, month = (left, right) if format == "day_first" else (right, left)
            _fill(days, found, _whole(found, "year"), month, day)
    return days


def _part(found: Any, name: str) -> Any:
    """A named group, null where it is empty."""
    part = pc.struct_field(found, name)
    return pc.if_else(pc.equal(part, ""), pa.scalar(None, part.type), part)


def _whole(found: Any, name: str) -> np.ndarray:
    return np.asarray(pc.cast(_part(found, name), pa.float64()).to_numpy(zero_copy_only=False))


def _month(found: Any) -> np.ndarray:
    if found.type.get_field_index("month") >= 0:
        return _whole(found, "month")
    names = pc.utf8_lower(pc.utf8_slice_codeunits(pc.struct_field(found, "name"), 0, 3))
    places = pc.index_in(names, value_set=pa.array(MONTHS))
    return np.asarray(pc.cast(pc.add(places, 1), pa.float64()).to_numpy(zero_copy_only=False))


def _fill(days: np.ndarray, found: Any, year: np.ndarray, month: np.ndarray, day: np.ndarray) -> None:
    """Sets the days of those texts that are dates of this style and not yet set."""
    short = pc.fill_null(pc.equal(pc.utf8_length(pc.struct_field(found, "year")), 2), False)
    is_short = np.asarray(short.to_numpy(zero_copy_only=False)) & (year < 100)
    year = np.where(is_short, year + np.where(year < PIVOT, 2000, 1900), year)
    with np.errstate(invalid="ignore"):
        good = np.isnan(days) & (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
        places = np.flatnonzero(good)
        months = ((year[places] - 1970) * 12 + month[places] - 1).astype("int64").astype("datetime64[M]")
        start = months.astype("datetime64[D]").astype("int64")
        length = (months + 1).astype("datetime64[D]").astype("int64") - start
        fraction, in_range = _day_fraction(found.take(pa.array(places)))
        fine = (day[places] <= length) & in_range
    days[places[fine]] = (start + day[places] - 1 + fraction)[fine]


def _day_fraction(found: Any) -> tuple[np.ndarray, np.ndarray]:
    """The time as a fraction of a day, less the offset of its zone, and whether there is such a time."""
    hour, minute, second = (np.nan_to_num(_whole(found, name)) for name in ("hour", "minute", "second"))
    half = pc.utf8_lower(pc.struct_field(found, "half"))
    is_half = np.asarray(pc.is_in(half, value_set=pa.array(["am", "pm"])).to_numpy(zero_copy_only=False))
    is_pm = np.asarray(pc.fill_null(pc.equal(half, "pm"), False).to_numpy(zero_copy_only=False))
    in_range = (hour <= np.where(is_half, 12, 23)) & (hour >= is_half) & (minute < 60) & (second < 61)
    hour = np.where(is_half, hour % 12 + 12 * is_pm, hour)
    zone = pc.extract_regex(pc.struct_field(found, "zone"), r"^(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2})$")
    offset = np.nan_to_num(_whole(zone, "hours")) * 60 + np.nan_to_num(_whole(zone, "minutes"))
    west = np.asarray(
        pc.fill_null(pc.equal(pc.struct_field(zone, "sign"), "-"), False).to_numpy(zero_copy_only=False)
    )
    return (hour * 60 + minute + second / 60 - np.where(west, -offset, offset)) / 1440, in_range


def date_values(days: np.ndarray) -> np.ndarray:
    """N days since 1970-01-01 → N × 6: year, month, weekday (Monday is 0), sine and cosine of the day of the year,
    and the days; NaN where missing."""
    values = np.full((len(days), 6), np.nan)
    known = ~np.isnan(days)
    date = np.floor(days[known]).astype("int64").astype("datetime64[D]")
    years = date.astype("datetime64[Y]")
    months = date.astype("datetime64[M]").astype("int64")
    start = years.astype("datetime64[D]")
    length = ((years + 1).astype("datetime64[D]") - start).astype("int64")
    angle = 2 * np.pi * (date - start).astype("int64") / length
    weekday = (date.astype("int64") + 3) % 7  # 1970-01-01 was a Thursday
    columns = (years.astype("int64") + 1970, months % 12 + 1, weekday, np.sin(angle), np.cos(angle), days[known])
    values[known] = np.stack([np.asarray(column, dtype=float) for column in columns], 1)
    return values
