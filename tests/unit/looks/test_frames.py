"""A frame is a delivery of text columns; a call that cannot be meant is refused, and what is allowed is said."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

import checks
from checks.errors import UsageError
from checks.looks import make_ready
from checks.looks.path import delivered_frame
from checks.protocol import load_protocol

PROTOCOL = load_protocol(Path(__file__).parents[2] / "fixtures" / "protocols" / "good.yaml")


def test_columns_are_named_in_upper_case_and_blanks_are_missing() -> None:
    frame = pd.DataFrame({"usubjid": [" S1 ", "S2"], " aeterm": ["", None]}, index=[7, 9])
    (one,) = delivered_frame("ae", frame)
    assert one.table is not None
    assert list(one.table.columns) == ["USUBJID", "AETERM", "source_file", "source_row"]
    assert list(one.table["USUBJID"]) == ["S1", "S2"]
    assert one.table["AETERM"].isna().all()
    assert list(one.table["source_row"]) == [1, 2] and set(one.table["source_file"]) == {"ae"}


def test_its_hash_is_that_of_its_rows_as_csv() -> None:
    frame = pd.DataFrame({"USUBJID": ["S1"], "AETERM": ["RASH"]})
    (one,) = delivered_frame("ae", frame)
    assert one.delivery.sha256 == hashlib.sha256(b"USUBJID,AETERM\nS1,RASH\n").hexdigest()
    assert (one.delivery.rows, one.delivery.received_at) == (1, None)


def test_numbers_are_refused_since_they_lost_how_they_were_written() -> None:
    with pytest.raises(UsageError, match=r"vs: found VSORRES as float64; allowed: text as delivered"):
        delivered_frame("vs", pd.DataFrame({"VSORRES": [38.0]}))


def test_a_column_named_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="ae: found the column AETERM more than once"):
        delivered_frame("ae", pd.DataFrame([["a", "b"]], columns=["AETERM", "aeterm"]))


def test_a_feed_that_the_protocol_does_not_have_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"feeds: found 'VS'; allowed: a feed of the protocol \(dm, ex, vs, ae"
    ):
        make_ready({"VS": pd.DataFrame()}, PROTOCOL)


def test_a_frame_without_rows_is_a_delivery_without_rows() -> None:
    known = make_ready({"ae": pd.DataFrame({"USUBJID": []})}, PROTOCOL).known_at(
        datetime(2026, 3, 1, tzinfo=UTC)
    )
    table = known.feeds["ae"].table
    assert table is not None and len(table) == 0


def test_what_the_package_offers_is_found_by_name_and_nothing_else_is() -> None:
    assert callable(checks.look) and callable(checks.load_protocol) and isinstance(checks.Look, type)
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        getattr(checks, "nothing_of_the_kind")  # noqa: B009 - mypy knows that there is none
