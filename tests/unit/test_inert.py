"""What leaves in listings, pages and messages commands nobody, and a program reads the text back."""

import csv
import io

import pandas as pd
import pytest
from payloads import PAYLOADS

from checks.errors import DefectError, FeedError
from flows.inert import cell_text, inert_cell, inert_csv, inert_line, without_its_words
from flows.looks.artifacts import markdown_text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_cell_is_no_formula_and_no_command_and_is_read_back(payload: str) -> None:
    cell = inert_cell(payload)
    assert not cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))
    parts = cell.replace("|", ";").split(";")
    assert not any(part.lstrip(' "').startswith(("=", "+", "-", "@", "\uff1d")) for part in parts)
    assert cell.isprintable()
    assert cell_text(cell) == payload


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_listing_holds_inert_cells_alone(payload: str) -> None:
    (row,) = csv.DictReader(io.StringIO(inert_csv(pd.DataFrame({"found": [payload], "n": [-1.5]}))))
    assert cell_text(row["found"]) == payload and row["found"] == inert_cell(payload)
    assert row["n"] == "-1.5"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_line_of_a_terminal_or_log_holds_no_command(payload: str) -> None:
    assert all(line.isprintable() for line in inert_line(payload).split("\n"))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_page_of_prefect_shows_the_text_alone(payload: str) -> None:
    shown = markdown_text(payload)
    assert shown.isprintable() and "<" not in shown
    for mark in ("![", "](", "http://", "https://", "www."):
        assert mark not in shown


@pytest.mark.parametrize("number", ["-1", "+37.5", "-1e-3", "-.5", "12"])
def test_a_number_stays_a_number(number: str) -> None:
    assert inert_cell(number) == number


@pytest.mark.parametrize("text", ["plain", "a\\b", "\\u001b", "'", "''", "\\", "", "'\\u0041"])
def test_what_looks_like_an_escape_is_read_back_too(text: str) -> None:
    assert cell_text(inert_cell(text)) == text


def test_an_error_that_nobody_foresaw_is_told_by_its_kind_and_place() -> None:
    with pytest.raises(DefectError) as told:
        without_its_words(int)("QZACTIVE")
    assert "ValueError" in str(told.value) and "inert.py" in str(told.value)
    assert "QZACTIVE" not in str(told.value)
    assert told.value.__suppress_context__  # no log shows what it came of


def test_our_own_errors_and_those_of_the_system_are_raised_as_they_are() -> None:
    def refuse(error: Exception) -> None:
        raise error

    for error in (FeedError("EX 2", "nothing", "rows"), OSError(28, "No space left on device")):
        with pytest.raises(type(error)) as told:
            without_its_words(refuse)(error)
        assert told.value is error
