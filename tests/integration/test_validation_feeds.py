"""Feeds as sites deliver them, through the real Great Expectations: which rows are withheld, and why."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from checks import tables
from checks.errors import UsageError
from checks.protocol import StudyProtocol
from checks.tables import MEASUREMENTS, Delivery, Feed
from checks.validation import FeedOutcome, Validation, validate_feeds

CUTOFF = datetime(2024, 6, 10, 12, 0, tzinfo=UTC)
SOURCE = {"rationale": "a test", "source": "a test"}
Row = dict[str, str]


def make_protocol(**changes: Any) -> StudyProtocol:
    content: dict[str, Any] = {
        "schema_version": 1,
        "study": {"id": "TEST-1", "timezone": "Europe/Paris"},
        "sites": {"FR01": "Europe/Paris", "US01": "America/New_York"},
        "treatment": {"names": ["CYT107", "PLACEBO"]},
        "feeds": {
            "dm": {"path": "dm.csv", "max_age_hours": 72},
            "ex": {"path": "ex.csv", "max_age_hours": 72},
            "vs": {"path": "vs.csv", "max_age_hours": 72},
            "ae": {"path": "ae.csv", "max_age_hours": 72},
            "lb": {"path": "lb.csv", "max_age_hours": 72},
        },
        "limits": {"max_quarantined": 0.95},
        "case_definition": {
            "name": "fever_with_respiratory_distress",
            "components": {
                "fever": {"any_of": [{"vital": "TEMP", "at_least": 38.3, "unit": "C"}]},
                "distress": {
                    "any_of": [
                        {"vital": "OXYSAT", "below": 90, "unit": "%"},
                        {"vital": "RESP", "at_least": 30, "unit": "breaths/min"},
                        {"vital": "FIO2", "rise_at_least": 0.2, "unit": "fraction"},
                    ]
                },
            },
        },
        "baseline_hours": [-6, 0],
        "risk_window_hours": [5, 8],
        "control_windows_hours": [[-24, -6], [12, 48]],
        "rules": [
            {"id": "count", "kind": "count", "cases": 3, **SOURCE},
            {
                "id": "alc",
                "kind": "lab_limit",
                "test": "LYM",
                "above_times_uln": 2.5,
                "subjects": 1,
                **SOURCE,
            },
        ],
    }
    return StudyProtocol.model_validate(content | changes)


def make_feed(domain: str, rows: list[Row]) -> Feed:
    table = pd.DataFrame(rows).astype("str") if rows else pd.DataFrame({"USUBJID": pd.Series(dtype="str")})
    table = table.mask(table == "")
    numbers = pd.Series(range(2, len(rows) + 2), dtype="int64")
    table = table.assign(source_file=f"{domain}.csv", source_row=numbers)
    return Feed(domain.upper(), table, (Delivery(f"{domain}.csv", "ab" * 32, len(rows)),))


DM = {"USUBJID": "S1", "SITEID": "FR01", "ARMCD": "CYT", "DTHDTC": ""}
EX = {
    "USUBJID": "S1", "EXSEQ": "1", "EXTRT": "CYT107", "EXDOSE": "700", "EXSTDTC": "2024-06-09T08:00",
    "EXENDTC": "2024-06-09T09:00", "EXSTAT": "", "EXOCCUR": "",
}  # fmt: skip
VS = {
    "USUBJID": "S1", "VSSEQ": "1", "VSTESTCD": "TEMP", "VSORRES": "37.0", "VSORRESU": "C", "VSSTAT": "",
    "VSDTC": "2024-06-09T08:00",
}  # fmt: skip
AE = {
    "USUBJID": "S1", "AESEQ": "1", "AETERM": "Fever", "AEDECOD": "Pyrexia", "AESTDTC": "2024-06-09T14:00",
    "AEENDTC": "", "AESER": "N", "AESEV": "MILD", "AETOXGR": "2",
}  # fmt: skip
LB = {
    "USUBJID": "S1", "LBSEQ": "1", "LBTESTCD": "LYM", "LBORRES": "1.2", "LBORRESU": "10^9/L",
    "LBORNRHI": "4.0", "LBSTAT": "", "LBDTC": "2024-06-09T08:00",
}  # fmt: skip
GOOD: Mapping[str, list[Row]] = {
    "dm": [DM, DM | {"USUBJID": "S2", "SITEID": "US01"}],
    "ex": [EX, EX | {"USUBJID": "S2", "EXTRT": "placebo ", "EXDOSE": "0"}],
    "vs": [VS, VS | {"USUBJID": "S2"}],
    "ae": [AE],
    "lb": [LB],
}

# What is changed in a good row -> the checks that withhold it. None: the row is accepted.
EX_ROWS: list[tuple[Row, set[str]]] = [
    ({"USUBJID": ""}, {"subject_present"}),
    ({"USUBJID": "S9"}, {"subject_enrolled"}),
    ({"EXTRT": ""}, {"administration_clear"}),
    ({"EXTRT": "OXYGEN", "EXDOSE": "", "EXSTDTC": ""}, set()),
    ({"EXSTAT": "NOT DONE", "EXDOSE": "", "EXSTDTC": ""}, set()),
    ({"EXOCCUR": "N", "EXDOSE": ""}, set()),
    ({"EXSTAT": "cancelled", "EXSTDTC": "?"}, set()),
    ({"EXSTAT": "PERHAPS"}, {"dose_status_known"}),
    ({"EXDOSE": "-1"}, {"administration_clear"}),
    ({"EXDOSE": ""}, {"administration_clear"}),
    ({"EXDOSE": "10 ug"}, {"administration_clear"}),
    ({"EXDOSE": "0"}, set()),
    ({"EXENDTC": ""}, set()),
    ({"EXENDTC": "2024-06"}, set()),
    ({"EXENDTC": "unknown"}, set()),
    ({"EXSTDTC": "2024-06-09T08:00", "EXENDTC": "2024-06-09T07:30"}, {"end_not_before_start"}),
    ({"EXSTDTC": "2024-06-09, 08:00"}, {"time_readable"}),
    ({"EXSTDTC": ""}, {"time_readable"}),
    ({"EXSTDTC": "2024-06-09"}, set()),
    # 12:00Z is 14:00 in Paris: 13:59 is known, 14:01 is not yet.
    ({"EXSTDTC": "2024-06-10T13:59", "EXENDTC": ""}, set()),
    ({"EXSTDTC": "2024-06-10T14:01", "EXENDTC": ""}, {"not_after_cutoff"}),
    (
        {"EXSTDTC": "2025-06-09T08:00", "EXENDTC": "", "EXDOSE": "-1"},  # a year after all else
        {"administration_clear"},
    ),
    ({"USUBJID": "S3", "EXSTDTC": "2024-06-08T10:00"}, {"alive_when_dosed"}),
    ({"USUBJID": "S3", "EXSTDTC": "2024-06-07T10:00"}, set()),
    ({"USUBJID": "USUBJID", "EXTRT": "EXTRT", "EXDOSE": "EXDOSE", "EXSTDTC": "EXSTDTC"}, {"not_a_header"}),
]
VS_ROWS: list[tuple[Row, set[str]]] = [
    ({"USUBJID": " "}, {"subject_present"}),
    ({"USUBJID": "S9"}, {"subject_enrolled"}),
    ({"VSTESTCD": ""}, {"test_named"}),
    ({"VSTESTCD": "WEIGHT", "VSORRES": "many", "VSDTC": "?"}, set()),
    ({"VSSTAT": "NOT DONE", "VSORRES": "", "VSORRESU": ""}, set()),
    ({"VSORRES": "", "VSORRESU": ""}, {"value_present"}),
    ({"VSORRES": "37,2"}, {"value_readable"}),
    ({"VSORRES": "97.2"}, {"unit_fits"}),
    ({"VSORRESU": "K"}, {"unit_known"}),
    ({"VSORRESU": ""}, {"unit_known"}),
    ({"VSORRES": "98.6", "VSORRESU": "Deg. F"}, set()),
    ({"VSORRES": "370"}, {"value_plausible"}),
    ({"VSORRES": "31.1"}, set()),
    ({"VSTESTCD": "RESP", "VSORRES": "0", "VSORRESU": "breaths/min"}, {"value_plausible"}),
    ({"VSTESTCD": "FIO2", "VSORRES": "40%", "VSORRESU": ""}, set()),
    ({"VSDTC": "20240609"}, {"time_readable"}),
    ({"VSDTC": "2024-06-11T00:00"}, {"not_after_cutoff"}),
    ({"VSDTC": "2024-06-09T08:00", "VSORRES": "x", "VSORRESU": "K"}, {"value_readable"}),
    ({"VSDTC": "2024-02-31T08:00", "VSORRES": "97.2"}, {"time_readable", "unit_fits"}),
]
AE_ROWS: list[tuple[Row, set[str]]] = [
    ({"AESTDTC": ""}, {"time_readable"}),
    ({"AESTDTC": "2024-06"}, set()),
    ({"AETERM": "", "AEDECOD": ""}, {"term_present"}),
    ({"AEDECOD": ""}, set()),
    ({"AETOXGR": "6"}, {"grade_in_range"}),
    ({"AETOXGR": "Grade 3"}, set()),
    ({"AETOXGR": "MODERATE"}, set()),
    ({"AESEV": "Mild"}, set()),
    ({"AEENDTC": "2024-06-08"}, {"end_not_before_start"}),
    ({"AEENDTC": "2024-06-09"}, set()),
    ({"AEENDTC": "2024"}, set()),
    ({"USUBJID": "S9", "AESTDTC": ""}, {"subject_enrolled", "time_readable"}),
]
LB_ROWS: list[tuple[Row, set[str]]] = [
    ({"LBORRES": "<0.5"}, {"value_readable"}),
    ({"LBORRES": "-1"}, {"value_not_negative"}),
    ({"LBORRES": ""}, {"value_present"}),
    ({"LBSTAT": "NOT DONE", "LBORRES": ""}, set()),
    ({"LBTESTCD": "ALB", "LBORRES": "x", "LBDTC": ""}, set()),
    ({"LBORNRHI": ""}, set()),
    ({"LBDTC": "2024-06-09T25:00"}, {"time_readable"}),
]
MISTAKES = {"ex": (EX, EX_ROWS), "vs": (VS, VS_ROWS), "ae": (AE, AE_ROWS), "lb": (LB, LB_ROWS)}


@pytest.fixture(scope="module")
def mistaken() -> Validation:
    """All the mistakes at once, each in a row of its own whose --SEQ is its place in the list, from 100."""
    rows = {
        domain: [
            *GOOD[domain],
            *({**good, f"{domain.upper()}SEQ": str(100 + n)} | row for n, (row, _) in enumerate(bad)),
        ]
        for domain, (good, bad) in MISTAKES.items()
    }
    dm = [*GOOD["dm"], DM | {"USUBJID": "S3", "DTHDTC": "2024-06-07"}]
    feeds = {domain: make_feed(domain, each) for domain, each in (rows | {"dm": dm}).items()}
    return validate_feeds(feeds, make_protocol(), CUTOFF)


def outcome_of(validation: Validation, domain: str) -> FeedOutcome:
    return next(feed for feed in validation.feeds if feed.domain == domain.upper())


@pytest.mark.parametrize(
    ("domain", "number"),
    [(domain, number) for domain, (_, rows) in MISTAKES.items() for number in range(len(rows))],
)
def test_a_row_is_withheld_for_its_mistake_and_no_other(
    mistaken: Validation, domain: str, number: int
) -> None:
    _, expected = MISTAKES[domain][1][number]
    listed = mistaken.quarantine[mistaken.quarantine["domain"] == domain.upper()]
    found = listed.loc[listed["record"] == f"{domain.upper()}SEQ={100 + number}", "check"]
    assert set(found) == expected, MISTAKES[domain][1][number]


@pytest.mark.parametrize("domain", ["dm", "ex", "vs", "ae", "lb"])
def test_no_row_is_lost(mistaken: Validation, domain: str) -> None:
    feed = outcome_of(mistaken, domain)
    assert feed.outcome == "passed"
    assert feed.rows_read == feed.rows_accepted + feed.rows_quarantined
    listed = mistaken.quarantine[mistaken.quarantine["domain"] == domain.upper()]
    assert feed.rows_quarantined == listed["source_row"].nunique()


def of_vs(validation: Validation) -> pd.DataFrame:
    return validation.measurements[validation.measurements["domain"] == "VS"]


def test_the_tables_keep_their_contracts(mistaken: Validation) -> None:
    for table in (
        tables.SUBJECTS,
        tables.ADMINISTRATIONS,
        MEASUREMENTS,
        tables.ADVERSE_EVENTS,
    ):
        frame = getattr(mistaken, table.name)
        assert {name: str(kind) for name, kind in frame.dtypes.items()} == dict(table.columns)
    assert {name: str(kind) for name, kind in mistaken.quarantine.dtypes.items()} == dict(
        tables.QUARANTINE.columns
    )


def test_a_withheld_row_with_a_subject_and_a_time_takes_part_in_the_worst_case(mistaken: Validation) -> None:
    rows = mistaken.measurements.query("domain == 'VS'").set_index("sequence")
    assert not rows.loc["107", "trusted"]  # 97.2 C
    assert rows.loc["107", "alternative"] == pytest.approx(36.2222, abs=1e-4)
    assert not rows.loc["106", "trusted"] and pd.isna(rows.loc["106", "value"])  # 37,2
    assert rows.loc["110", "value"] == pytest.approx(37.0) and rows.loc["110", "trusted"]  # 98.6 F
    # Without a readable time it may lie in any hour, as an event may.
    assert tuple(rows.loc["115", ["earliest", "latest"]]) == (pd.Timestamp("1900-01-01T00:00Z"), CUTOFF)
    assert not rows.loc["115", "trusted"]
    # No subject, another test, not done, after the cut-off: no reading, even at worst.
    assert not {"100", "101", "103", "104", "116"} & set(rows.index)


def test_a_dose_that_may_have_been_given_opens_a_window_at_worst(mistaken: Validation) -> None:
    rows = mistaken.administrations.set_index("EXSEQ")
    untrusted = {seq for seq in rows.index if not rows.loc[[seq], "trusted"].all()}
    # 121 lies a year after all else of the subject: its time is not known
    assert untrusted == {"102", "107", "108", "109", "110", "115", "121", "122"}
    assert not {"103", "104", "105", "106", "116", "117", "120", "124"} & set(rows.index)
    assert rows.loc["118", "latest"] - rows.loc["118", "earliest"] == pd.Timedelta("23:59:59")
    assert {"1"} <= set(rows.index) and len(rows.loc[["1"]]) == 2  # placebo of amount 0 is a dose


def test_an_event_without_a_start_may_lie_in_any_hour(mistaken: Validation) -> None:
    event = mistaken.adverse_events.set_index("AESEQ").loc["100"]
    assert (event["earliest"], event["latest"]) == (pd.Timestamp("1900-01-01T00:00Z"), pd.Timestamp(CUTOFF))
    assert not event["timed"] and not event["trusted"]
    assert event["term"] == "pyrexia"


def test_a_term_falls_back_and_a_grade_is_read(mistaken: Validation) -> None:
    events = mistaken.adverse_events.set_index("AESEQ")
    assert events.loc["103", "term"] == "fever"
    assert events.loc["105", "grade"] == "3"


def test_warnings_count_rows_but_withhold_none(mistaken: Validation) -> None:
    results = {(check.domain, check.name): check for check in mistaken.checks}
    for key, numerator in {
        ("AE", "severity_term"): 1,
        ("AE", "grade_numeric"): 1,
        ("EX", "end_readable"): 1,
        ("LB", "upper_limit_given"): 1,
    }.items():
        assert (results[key].outcome, results[key].numerator) == ("failed", numerator)
        assert key[1] not in set(mistaken.quarantine["check"])


def test_no_listing_and_no_message_shows_what_tells_the_arm(mistaken: Validation) -> None:
    listed = mistaken.quarantine
    given = listed[listed["check"] == "administration_clear"]
    assert len(given) == 5 and set(given["found"]) == set(given["column"]) == {"withheld"}
    assert given["message"].nunique() == 1
    assert not listed["column"].isin(["EXDOSE", "EXTRT"]).any()
    shown = " ".join([*listed["message"], *listed["found"], *(check.message for check in mistaken.checks)])
    assert "CYT107" not in shown and "PLACEBO" not in shown and "700" not in shown


def test_the_listing_names_file_row_column_and_remedy(mistaken: Validation) -> None:
    listed = mistaken.quarantine.set_index("record")
    row = listed.loc["VSSEQ=107"]
    assert (row["source_file"], row["source_row"], row["USUBJID"]) == ("vs.csv", 11, "S1")
    assert (row["column"], row["found"]) == ("VSORRESU", "97.2 C")
    assert "F written as C" in row["message"] and "Ask the site" in row["message"]
    assert "20240609" not in listed.loc["VSSEQ=115", "message"]
    message = listed.loc["VSSEQ=115", "message"]
    assert message.startswith(
        "VSDTC is not ISO 8601, but of the form 99999999: say `date_format: YYYYMMDD` of"
    )
    assert "; allowed: YYYY-MM-DD" in message


def validate(change: Callable[[dict[str, list[Row]]], None] | None = None, **protocol: Any) -> Validation:
    rows = {domain: [dict(row) for row in each] for domain, each in GOOD.items()}
    if change:
        change(rows)
    feeds = {domain: make_feed(domain, each) for domain, each in rows.items()}
    return validate_feeds(feeds, make_protocol(**protocol), CUTOFF)


def test_good_feeds_are_trustworthy() -> None:
    validation = validate()
    assert all(feed.trustworthy and feed.problems == () for feed in validation.feeds)
    assert not {check.outcome for check in validation.checks} & {"failed", "error"}
    assert validation.quarantine.empty
    assert list(validation.subjects["timezone"]) == ["Europe/Paris", "America/New_York"]
    # 08:00 in Paris is 06:00Z, in New York 12:00Z.
    assert list(validation.administrations["earliest"].dt.hour) == [6, 12]
    assert outcome_of(validation, "ex").latest == datetime(2024, 6, 9, 12, 0, tzinfo=UTC)


def without(domain: str, column: str) -> Callable[[dict[str, list[Row]]], None]:
    def change(rows: dict[str, list[Row]]) -> None:
        for row in rows[domain]:
            del row[column]

    return change


def blank(domain: str, column: str) -> Callable[[dict[str, list[Row]]], None]:
    def change(rows: dict[str, list[Row]]) -> None:
        for row in rows[domain]:
            row[column] = ""

    return change


@pytest.mark.parametrize(
    ("change", "domain", "problem"),
    [
        (without("vs", "VSDTC"), "vs", "VS: VSDTC is missing"),
        (without("vs", "VSORRES"), "vs", "VS: VSSTRESN or VSORRES is missing"),
        (blank("ex", "EXSTDTC"), "ex", "EX: EXSTDTC is blank on every row"),
        (blank("lb", "LBORRES"), "lb", "LB: LBSTRESN or LBORRES is blank on every row"),
        (lambda rows: rows["ae"].clear(), "ae", "AE: the feed has no rows"),
    ],
    ids=["missing column", "both value columns missing", "blank column", "blank values", "no rows"],
)
def test_a_broken_structure_blocks_the_whole_feed(
    change: Callable[[dict[str, list[Row]]], None], domain: str, problem: str
) -> None:
    validation = validate(change)
    feed = outcome_of(validation, domain)
    assert feed.outcome == "failed" and not feed.trustworthy
    assert any(one.startswith(problem) for one in feed.problems), feed.problems
    assert (feed.rows_accepted, feed.rows_quarantined) == (0, feed.rows_read)
    names = {"ex": "administrations", "vs": "measurements", "ae": "adverse_events", "lb": "measurements"}
    table = getattr(validation, names[domain])
    assert table.empty or not (table["domain"] == domain.upper()).any()


def test_an_unreadable_and_an_absent_feed_are_errors() -> None:
    feeds = {domain: make_feed(domain, rows) for domain, rows in GOOD.items() if domain != "lb"}
    feeds["vs"] = Feed("VS", None, (), "vs.csv: found a spreadsheet; allowed: CSV")
    validation = validate_feeds(feeds, make_protocol(), CUTOFF)
    assert outcome_of(validation, "vs").outcome == outcome_of(validation, "lb").outcome == "error"
    assert outcome_of(validation, "vs").problems == ("vs.csv: found a spreadsheet; allowed: CSV",)
    assert "nothing was delivered" in outcome_of(validation, "lb").problems[0]
    assert validation.measurements.empty


def test_a_site_that_the_protocol_does_not_list_gives_no_zone_so_no_subject() -> None:
    def change(rows: dict[str, list[Row]]) -> None:
        rows["dm"][1]["SITEID"] = "DE07"

    validation = validate(change)
    assert list(validation.subjects["USUBJID"]) == ["S1"]
    reasons = set(zip(validation.quarantine["domain"], validation.quarantine["check"], strict=True))
    assert reasons == {("DM", "site_known"), ("EX", "subject_enrolled"), ("VS", "subject_enrolled")}


def test_rows_that_share_a_key_are_all_withheld_and_exact_copies_count_once() -> None:
    def change(rows: dict[str, list[Row]]) -> None:
        rows["vs"] += [VS, VS | {"VSSEQ": "2"}, VS | {"VSSEQ": "2.0", "VSORRES": "39.0"}]
        rows["dm"] += [DM, DM | {"USUBJID": "S4"}, DM | {"USUBJID": "S4", "SITEID": "US01"}]

    validation = validate(change)
    listed = validation.quarantine
    assert list(listed.loc[listed["check"] == "key_unique", "source_row"]) == [5, 6, 5, 6]
    assert list(validation.subjects["USUBJID"]) == ["S1", "S2"]
    assert list(of_vs(validation)["trusted"]) == [True, True, False, False]
    results = {(check.domain, check.name): check for check in validation.checks}
    assert results["VS", "exact_duplicate"].numerator == 2
    assert outcome_of(validation, "vs").rows_accepted == 3


def test_a_feed_without_sequence_numbers_is_named_by_its_rows() -> None:
    validation = validate(without("vs", "VSSEQ"))
    assert list(of_vs(validation)["sequence"]) == ["row 2", "row 3"]


@pytest.mark.parametrize(
    "change", [without("ex", "EXDOSE"), blank("ex", "EXDOSE")], ids=["left out", "blank"]
)
def test_a_blind_feed_needs_no_amounts(change: Callable[[dict[str, list[Row]]], None]) -> None:
    validation = validate(change)
    assert outcome_of(validation, "ex").trustworthy
    assert len(validation.administrations) == 2 and validation.administrations["trusted"].all()


def test_copies_without_sequence_numbers_count_once() -> None:
    def change(rows: dict[str, list[Row]]) -> None:
        rows["vs"] += [VS, VS | {"VSORRES": "39.0"}]
        without("vs", "VSSEQ")(rows)

    validation = validate(change)
    assert list(of_vs(validation)["value"]) == [37.0, 37.0, 39.0]
    # the other subject's reading stands; 37.0 and 39.0 at one time contradict each other
    assert list(of_vs(validation)["trusted"]) == [False, True, False]


def test_a_feed_with_too_much_withheld_is_not_trustworthy() -> None:
    def change(rows: dict[str, list[Row]]) -> None:
        rows["vs"][0]["VSORRES"] = "?"

    feed = outcome_of(validate(change, limits={"max_quarantined": 0.4}), "vs")
    assert feed.outcome == "passed" and not feed.within_limit and not feed.trustworthy
    assert feed.problems == (
        "VS: 50.0% of the rows are quarantined; allowed: at most 40.0% (`max_quarantined`)",
    )


def test_rows_after_the_cutoff_do_not_make_a_feed_untrustworthy() -> None:
    def change(rows: dict[str, list[Row]]) -> None:
        rows["vs"] += [VS | {"VSSEQ": str(seq), "VSDTC": "2024-06-20T08:00"} for seq in range(10, 20)]

    feed = outcome_of(validate(change, limits={"max_quarantined": 0.1}), "vs")
    assert (feed.rows_quarantined, feed.within_limit, feed.trustworthy) == (10, True, True)


def test_an_old_feed_is_stale() -> None:
    def change(rows: dict[str, list[Row]]) -> None:
        rows["ae"][0]["AESTDTC"] = "2024-06-01T08:00"

    feed = outcome_of(validate(change), "ae")
    assert feed.stale and not feed.trustworthy and feed.outcome == "passed"
    assert feed.problems == (
        "AE: the latest accepted datum is of 2024-06-01T06:00:00Z; allowed: at most 72 h before the cut-off "
        "(`max_age_hours`)",
    )


def test_the_time_a_row_became_known_keeps_a_feed_fresh() -> None:
    def change(rows: dict[str, list[Row]]) -> None:
        rows["ae"][0] |= {"AESTDTC": "2024-06-01T08:00", "ENTERED_AT": "2024-06-10T13:00"}

    feeds = {"dm": {"path": "dm"}, "ex": {"path": "ex"}, "vs": {"path": "vs"}}
    validation = validate(
        change, feeds=feeds | {"ae": {"path": "ae", "max_age_hours": 72, "known_at": "entered_at"}}
    )
    feed = outcome_of(validation, "ae")
    assert not feed.stale and feed.latest == datetime(2024, 6, 10, 11, 0, tzinfo=UTC)


def test_a_clock_change_is_a_warning_and_an_interval() -> None:
    def change(rows: dict[str, list[Row]]) -> None:
        rows["vs"][0]["VSDTC"] = "2023-10-29T02:30"

    validation = validate(change)
    reading = validation.measurements.iloc[0]
    assert reading["latest"] - reading["earliest"] == pd.Timedelta(hours=1) and reading["trusted"]
    (result,) = [
        check for check in validation.checks if (check.domain, check.name) == ("VS", "clock_certain")
    ]
    assert (result.outcome, result.numerator, result.severity) == ("failed", 1, "warns")


def test_feeds_that_no_rule_uses_are_recorded_and_not_checked() -> None:
    feeds = {domain: make_feed(domain, rows) for domain, rows in GOOD.items() if domain in ("dm", "ex", "vs")}
    feeds["cm"] = make_feed("cm", [{"USUBJID": "S1", "CMTRT": "PARACETAMOL"}])
    sources = {domain: {"path": f"{domain}.csv"} for domain in feeds}
    feed = outcome_of(validate_feeds(feeds, make_protocol(feeds=sources), CUTOFF), "cm")
    assert (feed.outcome, feed.rows_read, feed.rows_accepted) == ("not_applicable", 1, 1)


def test_permuting_the_rows_changes_no_outcome(mistaken: Validation) -> None:
    def change(rows: dict[str, list[Row]]) -> None:
        rows["dm"] = [*reversed(rows["dm"])]
        rows["vs"] = [{**VS, "VSSEQ": str(100 + n)} | row for n, (row, _) in reversed([*enumerate(VS_ROWS)])]

    validation = validate(change)
    reasons = {
        frozenset(zip(one["record"], one["check"], strict=True))
        for one in (each.quarantine[each.quarantine["domain"] == "VS"] for each in (mistaken, validation))
    }
    assert len(reasons) == 1


def test_a_cutoff_without_an_offset_is_refused() -> None:
    with pytest.raises(UsageError, match="allowed: a time with an offset from UTC"):
        validate_feeds({}, make_protocol(), datetime(2024, 6, 10, 12, 0))


@pytest.mark.parametrize(
    ("misspelt", "trusted"),
    [(0, True), (1, True), (2, False)],  # of five exposed subjects, at most one in five may lack every dose
)
def test_exposed_subjects_without_any_dose_make_ex_untrustworthy(misspelt: int, trusted: bool) -> None:
    subjects = [f"S{number}" for number in range(1, 6)]
    exposed = [DM | {"USUBJID": one, "RFXSTDTC": "2024-06-09T08:00"} for one in subjects]
    not_yet = DM | {"USUBJID": "S6", "RFXSTDTC": "2024-06-11T08:00"}
    doses = [
        EX | {"USUBJID": one, "EXTRT": "CYT108" if place < misspelt else "CYT107"}
        for place, one in enumerate(subjects)
    ]
    rows = dict(GOOD) | {"dm": [*exposed, not_yet], "ex": doses, "vs": [VS]}
    protocol = make_protocol(limits={"max_quarantined": 0.2})
    feeds = {name: make_feed(name, some) for name, some in rows.items()}
    outcome = next(one for one in validate_feeds(feeds, protocol, CUTOFF).feeds if one.domain == "EX")
    assert outcome.trustworthy is trusted
    assert any("whom DM calls exposed" in problem for problem in outcome.problems) is not trusted
