"""Typed values as text: the shortest number without exponent, ISO 8601 time."""

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

OFFSET = r"([+-][0-9]{2}:[0-9]{2})?"
"""The UTC offset that ends a rendered stamp which has one."""


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as text, missing where it is missing or not a number.

    Raises
    ------
    TypeError
        For a type that has no text form, such as a list.
    pyarrow.ArrowInvalid
        For bytes that are not UTF-8, or a time zone unknown to this machine.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return as_text(column.cast(kind.value_type))
    if pa.types.is_timestamp(kind):
        return _stamp(column)
    if pa.types.is_time(kind):
        return _without_empty_fraction(column.cast(pa.large_string()))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _number(column)
    if pa.types.is_nested(kind) or pa.types.is_duration(kind):
        raise TypeError(str(kind))
    return (column.cast(pa.date32()) if pa.types.is_date64(kind) else column).cast(pa.large_string())


def _number(column: pa.ChunkedArray) -> pa.ChunkedArray:
    written = column.cast(pa.large_string())
    written = pc.if_else(pc.equal(written, "nan"), pa.scalar(None, written.type), written)
    unusual = pc.fill_null(pc.match_substring_regex(written, r"[eE]|^-0|\.[0-9]*0$"), False).combine_chunks()
    if not pc.any(unusual).as_py():
        return written
    plain = [plain_number(text) for text in written.filter(unusual).to_pylist()]
    return pc.replace_with_mask(written, unusual, pa.array(plain, type=written.type))


def plain_number(text: str) -> str:
    """Return a number's text without exponent or empty fraction: ``1e-07`` as ``0.0000001``."""
    if text in ("inf", "-inf"):
        return text
    plain = format(Decimal(text), "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain == "-0" else plain


def _stamp(column: pa.ChunkedArray) -> pa.ChunkedArray:
    offset = "%Ez" if column.type.tz else ""
    written = pc.strftime(column, format=f"%Y-%m-%dT%H:%M:%S{offset}").cast(pa.large_string())
    return written if column.type.unit == "s" else _without_empty_fraction(written)


def _without_empty_fraction(written: pa.ChunkedArray) -> pa.ChunkedArray:
    """Drop the digits that the resolution of the type adds, not the file."""
    whole = pc.replace_substring_regex(written, rf"\.0+{OFFSET}$", r"\1")
    return pc.replace_substring_regex(whole, rf"(\.[0-9]*[1-9])0+{OFFSET}$", r"\1\2")
