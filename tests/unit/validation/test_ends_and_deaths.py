"""When administrations and events end, which rows are doses, and who died, as the typed tables tell it."""

from pathlib import Path

import pandas as pd
import pytest

from checks.blinding import STUDY_DRUG
from checks.protocol import load_protocol
from checks.validation import administrations, adverse_events, subjects
from checks.validation.raw import Setting, Source

PROTOCOL = load_protocol(Path(__file__).parents[2] / "fixtures" / "protocols" / "good.yaml")
CUTOFF = pd.Timestamp("2024-06-12T12:00Z")
SETTING = Setting(PROTOCOL, CUTOFF, {"S1": "Europe/Paris"}, {})
MISSING = (pd.NaT, pd.NaT)
UP_TO_CUTOFF = (pd.NaT, CUTOFF.as_unit("s"))


def source(domain, **cells):
    """Make a feed of one row, or of a row for each of a column's cells."""
    rows = max((len(one) for one in cells.values() if isinstance(one, list)), default=1)
    table = pd.DataFrame({"USUBJID": "S1", **cells}, index=range(rows)).astype("str")
    return Source(domain, table.assign(source_file="x.csv", source_row=2), SETTING)


def typed(prepare, domain, **row):
    return prepare(source(domain, **row)).typed.iloc[0]


def dose(start, end, **row):
    return typed(
        administrations.prepare, "EX", EXSEQ="1", EXTRT=STUDY_DRUG, EXSTDTC=start, EXENDTC=end, **row
    )


def event(start, end, **row):
    return typed(
        adverse_events.prepare, "AE", AESEQ="1", AEDECOD="Pyrexia", AESTDTC=start, AEENDTC=end, **row
    )


def span(row):
    return tuple(row[["ends_earliest", "ends_latest"]])


def at(*texts):
    return tuple(pd.Timestamp(f"2024-06-{text}Z") for text in texts)


@pytest.mark.parametrize(
    ("start", "end", "span_in_utc"),
    [
        ("2024-06-10T08:00", "2024-06-10T08:30", at("10T06:30", "10T06:30")),
        ("2024-06-10T08:00", "", MISSING),
        ("2024-06-10T08:00", "yesterday", MISSING),
        ("2024-06-10T08:00", "2024-06-10T07:30", MISSING),  # surely before the start: it tells nothing
        ("2024-06-10T08:00", "2024-06-10", at("10T06:00", "10T21:59:59")),  # some time of the day, not before
        (
            "2024-06-10T23:00",
            "2024-06-10T01:00",
            at("10T23:00", "10T23:00"),
        ),  # over midnight, date of the start
        ("2024-06-12T08:00", "2024-06-12T20:00", MISSING),  # after the cut-off: not yet known
        ("2024-06-12T08:00", "2024-06-12", at("12T06:00", "12T21:59:59")),  # may be before the cut-off
    ],
)
def test_a_dose_ends_when_its_row_says(start, end, span_in_utc):
    pd.testing.assert_series_equal(
        pd.Series(span(dose(start, end))), pd.Series(span_in_utc), check_dtype=False
    )


@pytest.mark.parametrize(
    ("start", "end", "span_in_utc"),
    [
        ("2024-06-10T08:00", "2024-06-11T08:30", at("11T06:30", "11T06:30")),
        ("2024-06-10", "2024-06-10", at("09T22:00", "10T21:59:59")),
        ("2024-06-10T08:00", "", MISSING),
        ("", "2024-06-11", MISSING),  # an event that may have begun at any time
        ("2024-06-10T08:00", "2024-06-20", MISSING),
    ],
)
def test_an_event_goes_on_where_no_end_is_known(start, end, span_in_utc):
    pd.testing.assert_series_equal(
        pd.Series(span(event(start, end))), pd.Series(span_in_utc), check_dtype=False
    )


@pytest.mark.parametrize(
    ("rows", "joined"),
    [
        # hours of the starts, each with what its row shares; which rows are joined, by letter
        ({"EXLNKID": ["I1", " I1 ", "I2"]}, "AA."),
        ({"EXLNKID": ["I1", "", ""]}, "..."),
        ({"EXLNKGRP": ["DAY 1", "DAY 1", "DAY 3"]}, "AA."),
        ({"EXREFID": ["K1", "K1", "K2"]}, "AA."),
        ({"EXLNKID": ["1", "2", "3"], "EXLNKGRP": ["G", "G", "H"]}, "AA."),
        # a link of the whole trial is an order, a course or a kit, and joins none
        ({"EXLNKID": ["I1", "I1", "I1"]}, "..."),
        ({"EXREFID": ["K1", "K1", "K1"]}, "..."),
    ],
)
def test_rows_that_share_a_link_are_joined_where_one_administration_can_hold_them(rows, joined):
    starts = ["2024-06-10T08:00", "2024-06-10T14:00", "2024-06-12T08:00"]
    prepared = administrations.prepare(
        source("EX", EXSEQ=["1", "2", "3"], EXTRT=[STUDY_DRUG] * 3, EXSTDTC=starts, **rows)
    )
    links = prepared.typed["link"]
    assert (
        "".join("A" if shared else "." for shared in links.notna() & links.duplicated(keep=False)) == joined
    )
    assert links.notna().sum() == joined.count("A")


def test_a_column_that_names_a_course_somewhere_links_nothing_anywhere():
    starts = ["2024-06-10T08:00", "2024-06-10T14:00", "2024-06-10T08:00", "2024-06-12T08:00"]
    said = {
        "EXSEQ": list("1234"),
        "EXTRT": [STUDY_DRUG] * 4,
        "EXSTDTC": starts,
        "EXREFID": ["K1", "K1", "K2", "K2"],
    }
    prepared = administrations.prepare(source("EX", **said))
    assert prepared.typed["link"].isna().all()
    assert list(prepared.judged["EXLNKID_state"]) == ["known", "known", "too far apart", "too far apart"]


@pytest.mark.parametrize(
    ("said", "given", "clear"),
    [
        ({}, True, True),
        ({"EXMOOD": "Performed"}, True, True),
        ({"EXMOOD": "SCHEDULED"}, False, True),
        ({"ECMOOD": "PLANNED"}, False, True),
        ({"EXMOOD": "MAYBE"}, True, False),
        ({"EXOCCUR": "N"}, False, True),
        ({"ECOCCUR": "n"}, False, True),
        ({"EXOCCUR": "U"}, True, False),
        ({"EXSTAT": "NOT DONE"}, False, True),
        ({"EXSTAT": "NOT DONE", "EXMOOD": "PERFORMED"}, False, True),
        ({"EXSTAT": "COMPLETED", "EXMOOD": "MAYBE"}, True, False),
        ({"EXDOSE": "amount"}, True, True),  # of any size, 0 too: see checks.blinding
    ],
)
def test_a_row_counts_unless_it_says_not_given_or_planned(said, given, clear):
    prepared = administrations.prepare(
        source("EX", EXSEQ="1", EXTRT=STUDY_DRUG, EXSTDTC="2024-06-10T08:00", **said)
    )
    assert (prepared.keep[0], prepared.judged["EXSTAT_state"][0] == "known") == (given, clear)
    if not clear:
        (column,) = [name for name, words in said.items() if words in ("MAYBE", "U")]
        shown = prepared.shown["EXSTAT_state"]
        assert (shown.column[0], shown.text[0]) == (column, said[column])


def test_the_verbatim_term_stands_beside_the_coded_one():
    row = event("2024-06-10T08:00", "", AETERM="Fever in the NIGHT ")
    assert (row["term"], row["verbatim"]) == ("pyrexia", "fever in the night")
    assert pd.isna(event("2024-06-10T08:00", "", AETERM="")["verbatim"])


@pytest.mark.parametrize(
    ("said", "fatal"),
    [
        ({}, False),
        ({"AEOUT": "Fatal"}, True),
        ({"AEOUT": "RECOVERED/RESOLVED"}, False),
        ({"AESDTH": "Y"}, True),
        ({"AESDTH": "N", "AEOUT": ""}, False),
    ],
)
def test_an_event_is_fatal_by_its_outcome_or_its_seriousness(said, fatal):
    assert event("2024-06-10T08:00", "", **said)["fatal"] == fatal


@pytest.mark.parametrize(
    ("died", "span_in_utc"),
    [
        ("", MISSING),
        ("2024-06-11", at("10T22:00", "11T21:59:59")),
        ("2024-06-11T04:00", at("11T02:00", "11T02:00")),
        ("2024-06-20", MISSING),  # after the cut-off
        ("2024-31-31", UP_TO_CUTOFF),
    ],
)
@pytest.mark.parametrize("flag", ["", "Y"])
def test_a_death_is_known_as_it_is_dated(died, span_in_utc, flag):
    row = typed(subjects.prepare, "DM", SITEID="FR01", DTHDTC=died, DTHFL=flag)
    if flag and not died:
        span_in_utc = UP_TO_CUTOFF
    found = pd.Series(tuple(row[["died_earliest", "died_latest"]]))
    pd.testing.assert_series_equal(found, pd.Series(span_in_utc), check_dtype=False)
