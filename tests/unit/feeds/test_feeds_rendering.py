"""Typed values as text: the shortest number that reads back the same, ISO 8601, nothing added or imputed."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from flows.feeds.records import as_text, plain_number


def rendered(values: list[object], kind: pa.DataType | None = None) -> list[str | None]:
    return as_text(pa.chunked_array([pa.array(values, kind)])).to_pylist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1.0, 36.6, -0.0, None, float("nan")], pa.float64(), ["1", "36.6", "0", None, None]),
        ([1e20, 1e-7, 1.5e300], pa.float64(), ["1" + "0" * 20, "0.0000001", "15" + "0" * 299]),
        ([36.6, 20.0], pa.float32(), ["36.6", "20"]),
        ([2**63 - 1, None], pa.int64(), ["9223372036854775807", None]),
        ([Decimal("36.60"), Decimal("100.00")], pa.decimal128(9, 2), ["36.6", "100"]),
        ([Decimal("0.0000000001")], pa.decimal128(12, 10), ["0.0000000001"]),
        ([True, None], pa.bool_(), ["true", None]),
        ([dt.date(2026, 2, 1), None], pa.date32(), ["2026-02-01", None]),
        ([dt.date(2026, 2, 1)], pa.date64(), ["2026-02-01"]),
        ([dt.time(7, 15), dt.time(7, 15, 10, 500_000)], pa.time64("us"), ["07:15:00", "07:15:10.5"]),
        ([None, None], pa.null(), [None, None]),
        ([b"TEMP"], pa.binary(), ["TEMP"]),
        ([], pa.float64(), []),
    ],
)
def test_value_as_text(values: list[object], kind: pa.DataType, expected: list[str | None]) -> None:
    assert rendered(values, kind) == expected


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_stamp_has_no_digits_that_its_unit_alone_adds(unit: str) -> None:
    stamps = [dt.datetime(2026, 1, 2, 6, 10, 20), None]
    assert rendered(stamps, pa.timestamp(unit)) == ["2026-01-02T06:10:20", None]


def test_fraction_that_was_delivered_stays() -> None:
    stamp = dt.datetime(2026, 1, 2, 6, 10, 20, 120_000)
    assert rendered([stamp], pa.timestamp("us")) == ["2026-01-02T06:10:20.12"]
    assert rendered([stamp], pa.timestamp("us", tz="+02:00")) == ["2026-01-02T08:10:20.12+02:00"]


def test_zone_aware_stamp_keeps_the_offset_of_its_zone() -> None:
    """06:15 UTC is 07:15 in a Paris winter and 08:15 in its summer (CET is UTC+1, CEST UTC+2)."""
    stamps = [dt.datetime(2026, 1, 2, 6, 15), dt.datetime(2026, 7, 2, 6, 15)]
    zone = pa.timestamp("ns", tz="Europe/Paris")
    assert rendered(stamps, zone) == ["2026-01-02T07:15:00+01:00", "2026-07-02T08:15:00+02:00"]
    assert rendered(stamps[:1], pa.timestamp("s", tz="UTC")) == ["2026-01-02T06:15:00+00:00"]


def test_categories_are_their_values() -> None:
    column = pa.chunked_array([pa.array(["TEMP", "RESP", "TEMP"]).dictionary_encode()])
    assert as_text(column).to_pylist() == ["TEMP", "RESP", "TEMP"]


@pytest.mark.parametrize("values", [[[1, 2]], [{"a": 1}], [dt.timedelta(hours=1)]])
def test_what_has_no_text_form_is_refused(values: list[object]) -> None:
    with pytest.raises(TypeError):
        rendered(values)


@pytest.mark.parametrize("number", [0.1, 1 / 3, 36.6, 5e-324, 1.7976931348623157e308, -12.5])
def test_number_reads_back_the_same(number: float) -> None:
    text = plain_number(repr(number))
    assert float(text) == number
    assert "e" not in text
