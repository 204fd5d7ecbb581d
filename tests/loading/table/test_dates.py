import math
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from mlcli.loading.table.dates import date_format, date_values, parse_days

DAYS = [date(1900, 1, 1) + timedelta(days=step) for step in range(0, 80_000, 97)]
STYLES = {"%Y-%m-%d": "iso", "%d.%m.%Y": "iso", "%d %b %Y": "iso", "%B %d, %Y": "iso", "%d/%m/%Y": "day_first"}
STYLES |= {"%m/%d/%Y": "month_first", "%d-%m-%Y": "day_first", "%Y/%m/%d": "iso", "%d-%b-%Y": "iso"}


@pytest.mark.parametrize("style", STYLES)
def test_days_equal_the_standard_library(style: str) -> None:
    texts = pa.array([day.strftime(style) for day in DAYS])
    assert date_format(texts) == (STYLES[style], "")
    assert parse_days(texts, STYLES[style]).tolist() == [(day - date(1970, 1, 1)).days for day in DAYS]


def test_values_equal_the_standard_library() -> None:
    values = date_values(np.asarray([(day - date(1970, 1, 1)).days for day in DAYS], dtype=float))
    assert values[:, 0].tolist() == [day.year for day in DAYS]
    assert values[:, 1].tolist() == [day.month for day in DAYS]
    assert values[:, 2].tolist() == [day.weekday() for day in DAYS]
    lengths = [366 if (day.year % 4 == 0 and day.year % 100) or day.year % 400 == 0 else 365 for day in DAYS]
    angles = [2 * math.pi * (day.timetuple().tm_yday - 1) / length for day, length in zip(DAYS, lengths, strict=True)]
    np.testing.assert_allclose(values[:, 3], np.sin(angles), atol=1e-12)
    np.testing.assert_allclose(values[:, 4], np.cos(angles), atol=1e-12)


def test_missing_dates() -> None:
    assert np.isnan(date_values(np.asarray([np.nan, 0.0]))).tolist() == [[True] * 6, [False] * 6]
    assert np.isnan(parse_days(pa.array([None, "x"], pa.string()), "iso")).all()


@pytest.mark.parametrize(
    "text", ["2023-02-29", "2024-13-01", "32.01.2024", "2024-01-01 25:00", "2024-01-01 13:00 PM"]
)
def test_no_such_date(text: str) -> None:
    assert date_format(pa.array([text])) == (None, "")


def test_times() -> None:
    texts = ["1970-01-01 12:00", "1970-01-01T06:00:00.000Z", "1/1/1970 12:30 AM", "1970-01-01 00:00:00-05:00"]
    np.testing.assert_allclose(parse_days(pa.array(texts), "day_first"), [0.5, 0.25, 0.5 / 24, 5 / 24])


def test_order() -> None:
    assert date_format(pa.array(["01/02/2024", "05/06/2024"])) == (None, "01/02/2024")
    assert date_format(pa.array(["01/02/2024"]), "day_first") == ("day_first", "")
    assert date_format(pa.array(["13/02/2024", "02/13/2024"])) == (None, "")
    assert date_format(pa.array(["13/02/2024"]), "month_first") == (None, "")
