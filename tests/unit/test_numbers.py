"""Numbers as delivered: plain ones alone, and those that single precision has lengthened as they were charted."""

import math

import pytest

from checks.numbers import read_number

# Text -> number. The long ones are float32 of the short ones, written as a double (IEEE 754).
WRITTEN = {
    "38.29999923706055": 38.3,
    "36.900001525878906": 36.9,
    "0.20999999344348907": 0.21,
    "38.29999923706056": 38.29999923706056,  # no number of single precision
    "38.3": 38.3,
    "16777217.25": 16777217.25,
    "-1.5e2": -150.0,
}


@pytest.mark.parametrize("text", WRITTEN)
def test_a_number_is_read_as_it_was_charted(text: str) -> None:
    assert read_number(text) == WRITTEN[text]


@pytest.mark.parametrize("text", ["<0.5", "37,2", "", "nan", None])
def test_what_is_no_plain_number_is_none(text: str | None) -> None:
    assert math.isnan(read_number(text))
