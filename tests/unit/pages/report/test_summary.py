"""What a look prints to a terminal."""

from pathlib import Path

import pytest

from checks.protocol import load_protocol
from flows.pages.terminal import text_summary

PROTOCOL = load_protocol(Path(__file__).parent / "looks" / "protocol.yaml")


def _lines(look, report=None):
    return text_summary(look, PROTOCOL, report=report).splitlines()


def test_the_verdict_comes_first_and_the_report_is_named(signal):
    lines = _lines({**signal, "simulated": False}, Path("looks/report.html"))
    assert lines[0] == "SIGNAL: A stopping boundary has been crossed."
    assert "Report: looks/report.html" in lines
    assert lines[-1] == "postdose recommends; a DSMB decides. It is not a medical device."


def test_a_simulated_study_says_so_before_anything_else(signal):
    assert _lines(signal)[0].startswith("SIMULATED")


def test_rules_stand_against_their_boundary(signal):
    text = " ".join(" ".join(_lines(signal)).split())
    assert (
        "Crossed: three_cases, 3 of 21 participants, boundary 3 (best case not crossed, worst case crossed)"
        in text
    )
    assert "Not evaluable: registered_alc: feed LB is not delivered" in text


def test_cases_in_the_risk_window_are_listed_the_others_not(signal):
    text = "\n".join(_lines(signal))
    assert "FR01-004, dose 1, 6.25 h: fever 5-5.5 h: new; respiratory distress 6-6.25 h" in text
    assert "FR03-001, dose 3, not known, possibly in the risk window: fever: new" in text
    assert "FR02-006" not in text


def test_more_than_twenty_cases_are_cut_short_with_their_number(many):
    # hours 5, 5.5, ... 8 are seven values, each three times: 21 cases in the window
    text = "\n".join(_lines(many))
    assert text.count(", dose 1, ") == 20 and "  and 1 more" in text


def test_a_watch_beneath_what_cannot_be_assessed_is_in_the_first_line(not_assessable):
    lines = _lines({**not_assessable, "simulated": False, "watch_beneath": ["rate"]})
    assert lines[0].startswith("NOT ASSESSABLE: The data do not allow an answer. A boundary is near all the")
    assert lines[1].strip() == "same: rate."


def test_feeds_at_fault_are_named(not_assessable):
    assert "Feeds: DM passed; EX passed, stale; VS missing; AE not applicable" in _lines(not_assessable)


@pytest.mark.parametrize("name", ["FR01\x1b[2J-004", "\u75c7\u4f8b" * 60, "FR01\u202e-\n\r004", "x" * 300])
def test_every_line_is_printable_ascii_of_at_most_eighty_columns(signal, name):
    signal["cases"][0]["USUBJID"] = name
    signal["caveats"] = [name]
    for line in _lines(signal, Path("report.html")):
        assert len(line) <= 80 and line.isascii() and (line.isprintable() or not line)


def test_a_long_path_is_kept_whole(signal):
    path = Path("/srv") / ("study" * 30) / "report.html"
    assert f"Report: {path}" in _lines(signal, path)
