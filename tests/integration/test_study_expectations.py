"""A study's own expectations beside its protocol: run like ours, told by its sentence, and never passed unread."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from spoilt import make_study

from checks.blinding import blind_deliveries
from checks.errors import ProtocolError
from checks.knowledge import Deliveries
from checks.protocol import StudyProtocol, load_protocol
from checks.validation import FeedOutcome, Validation, suite_problems, suite_texts, validate_feeds
from flows.feeds import open_inbox

CUTOFF = datetime(2024, 6, 12, 12, 0, tzinfo=UTC)
REGEX = {
    "type": "expect_column_values_to_match_regex",
    "kwargs": {"column": "VSORRES", "regex": r"^(?!38\.9$)"},
    "meta": {
        "severity": "quarantines",
        "name": "not the worn probe",
        "notes": "The probe of 38.9 {was} worn out.",
    },
}


def study_with(folder: Path, **suites: object) -> StudyProtocol:
    protocol = make_study("good", folder)
    (folder / "expectations").mkdir()
    for domain, content in suites.items():
        text = content if isinstance(content, str) else json.dumps({"name": domain, "expectations": content})
        (folder / "expectations" / f"{domain}.json").write_text(text, encoding="utf-8")
    return load_protocol(protocol)


def validate(protocol: StudyProtocol) -> Validation:
    inbox = open_inbox(protocol, {}, None)
    arrived = {
        domain.lower(): blind_deliveries(domain, inbox.read(domain, by=CUTOFF), protocol.treatment.names)
        for domain in protocol.feeds.by_domain()
    }
    return validate_feeds(Deliveries(arrived, protocol).known_at(CUTOFF).feeds, protocol, CUTOFF)


def feed_of(validation: Validation, domain: str) -> FeedOutcome:
    return next(feed for feed in validation.feeds if feed.domain == domain)


def expectation(of: str, severity: str = "quarantines", /, **kwargs: Any) -> dict[str, Any]:
    return {"type": of, "kwargs": kwargs, "meta": {"severity": severity}}


def test_a_row_that_fails_is_in_quarantine_under_the_sentence_of_the_study(tmp_path: Path) -> None:
    validation = validate(study_with(tmp_path / "with", vs=[REGEX]))
    rows = validation.quarantine
    assert set(rows["check"]) == {"not the worn probe"} and set(rows["found"]) == {"38.9"}
    assert set(rows["message"]) == {"The probe of 38.9 {was} worn out."} and set(rows["column"]) == {
        "VSORRES"
    }
    assert len(rows) == feed_of(validation, "VS").rows_quarantined > 0
    withheld = validation.measurements[~validation.measurements["trusted"]]
    assert set(withheld["sequence"]) == {one.removeprefix("VSSEQ=") for one in rows["record"]}
    (result,) = [one for one in validation.checks if one.name == "not the worn probe"]
    assert (result.outcome, result.numerator) == ("failed", len(rows))


def test_an_expectation_of_two_columns_quarantines_by_what_their_stamps_mean(tmp_path: Path) -> None:
    ends_later = expectation(
        "expect_column_pair_values_a_to_be_greater_than_b",
        column_A="AESTDTC_earliest",
        column_B="AESTDTC_latest",
    )
    rows = validate(study_with(tmp_path / "with", ae=[ends_later])).quarantine
    assert len(rows) > 0 and set(rows["column"]) == {"AESTDTC_earliest, AESTDTC_latest"}
    assert set(rows["check"]) == {"expectations/ae.json 1"}
    assert set(rows["message"]) == {
        "Values in AESTDTC_earliest must always be greater than those in AESTDTC_latest."
    }


@pytest.mark.parametrize(("severity", "outcome"), [("warns", "passed"), ("blocks", "failed")])
def test_a_failure_warns_or_blocks_as_the_study_says(tmp_path: Path, severity: str, outcome: str) -> None:
    mean = expectation("expect_column_mean_to_be_between", severity, column="VSORRES_number", max_value=1)
    validation = validate(study_with(tmp_path / "with", vs=[mean]))
    feed = feed_of(validation, "VS")
    assert feed.outcome == outcome and validation.quarantine.empty
    (result,) = [one for one in validation.checks if one.name == "expectations/vs.json 1"]
    assert (result.outcome, result.severity) == ("failed", severity)
    assert (feed.rows_accepted == 0) is (severity == "blocks")


def test_rows_are_chosen_by_a_condition_on_another_column(tmp_path: Path) -> None:
    warm = expectation(
        "expect_column_values_to_be_between", column="VSORRES_number", max_value=38.5,
        row_condition='VSTESTCD == "TEMP"', condition_parser="pandas",
    )  # fmt: skip
    rows = validate(study_with(tmp_path / "with", vs=[warm])).quarantine
    assert set(rows["found"]) == {"38.7", "38.9"}  # saturations are higher, and not meant


BROKEN: list[tuple[object, str]] = [
    ("{", "no JSON (line 1"),
    ("[]", "no list of `expectations`"),
    ([], "no list of `expectations`"),
    ([{"type": "expect_column_values_to_be_unique", "kwargs": {"column": "VSSEQ"}}], "no `meta`"),
    ([expectation("expect_column_values_to_be_fine", column="VSORRES")], "fine not found"),
    ([expectation("expect_column_values_to_be_between", column="VSORRES")], "cannot be made"),
    ([expectation("expect_column_values_to_be_unique", "stops", column="VSSEQ")], "severity 'stops' in `meta`"),
    ([expectation("expect_column_values_to_be_unique", column="VSLOST")], ", expectation 1: found no column VSLOST"),
    ([expectation("expect_column_values_to_be_between", column="VSORRES", min_value=1)], "found TypeError"),
    ([expectation("expect_column_mean_to_be_between", column="VSSEQ", min_value=1)], "judges no single row"),
    ([expectation("expect_table_column_count_to_equal", "warns", value=6)], "named columns"),
    ([expectation("expect_column_values_to_be_of_type", column="VSSEQ", type_="int")], "without rows to"),
    ([REGEX, REGEX], "expectation 2: found the name not the worn probe"),
    ([expectation("expect_column_values_to_not_be_null", column="ARMCD")], "ARMCD, which tells the arm"),
]  # fmt: skip


@pytest.mark.parametrize(("suite", "found"), BROKEN, ids=[found for _, found in BROKEN])
def test_what_cannot_be_asked_stops_the_feed_with_file_and_reason(
    tmp_path: Path, suite: object, found: str
) -> None:
    validation = validate(study_with(tmp_path / "with", vs=suite))
    feed = feed_of(validation, "VS")
    assert (feed.outcome, feed.rows_accepted) == ("error", 0)
    (problem,) = feed.problems
    assert problem.startswith("VS: expectations/vs.json") and found in problem, problem
    assert feed_of(validation, "AE").outcome == "passed"


@pytest.mark.parametrize("column", ["EXTRT", "EXDOSE", "EXTRT_number", "ARM"])
def test_what_tells_the_arm_is_not_asked(tmp_path: Path, column: str) -> None:
    suite = [expectation("expect_column_values_to_not_be_null", "warns", column=column)]
    (problem,) = suite_problems(study_with(tmp_path / "with", ex=suite))
    assert "tells the arm and is taken out before feeds are judged" in problem


def test_a_suite_of_no_feed_that_is_judged_is_a_problem_of_the_protocol(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"expectations/vitals\.json:1.*allowed: dm\.json, ex\.json"):
        study_with(tmp_path / "with", vitals=[REGEX])


def test_expectations_are_hashed_with_the_protocol_where_there_are_any(tmp_path: Path) -> None:
    without = load_protocol(make_study("good", tmp_path / "without"))
    one = study_with(tmp_path / "one", vs=[REGEX])
    other = study_with(
        tmp_path / "other", vs=[expectation("expect_column_values_to_be_unique", column="VSSEQ")]
    )
    assert len({without.sha256, one.sha256, other.sha256}) == 3


def test_the_suites_that_are_written_are_read_by_great_expectations_and_hold_the_study(
    tmp_path: Path,
) -> None:
    import great_expectations  # noqa: PLC0415  takes seconds

    texts = suite_texts(study_with(tmp_path / "with", vs=[REGEX]))
    assert sorted(texts) == ["ae.json", "dm.json", "ex.json", "vs.json"]
    suites = {name: great_expectations.ExpectationSuite(**json.loads(text)) for name, text in texts.items()}
    told = {
        name: [one.to_json_dict() for one in suite.expectation_configurations]
        for name, suite in suites.items()
    }
    sites = [one["kwargs"]["value_set"] for one in told["dm.json"] if one["meta"]["name"] == "site_known"]
    assert sites == [["FR01", "US01"]]
    limits = {
        one["kwargs"]["column"]: one["kwargs"]
        for one in told["vs.json"]
        if one["meta"]["name"] == "value_plausible"
    }
    assert limits["VSSTRESN_TEMP"]["min_value"] == 25 and limits["VSSTRESN_TEMP"]["max_value"] == 45
    assert told["vs.json"][-1]["meta"]["name"] == "not the worn probe"
    assert {one["severity"] for one in told["vs.json"]} == {"critical", "warning", "info"}
