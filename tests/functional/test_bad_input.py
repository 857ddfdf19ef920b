"""Every kind of bad input, looked at from end to end: the verdict, the exit code and the words it gets.

The good study (tests/fixtures/bad_input/good) has two cases among four subjects, and its rule is crossed by
two: its verdict is ``signal``. Each kind spoils one thing on which a case rests, where it can. So a row that
were dropped without a word would give ``no_signal``, and a row set aside as it should be gives ``watch``.
"""

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from golden.looking import make_look as look_without_prefect
from golden.make import EXPECTED, documents_of
from golden.studies import NOT_THE_SAME_BYTES, SPOILT_NAME
from processes import postdose
from servers import PASSWORD
from spoilt import FIXTURES, MUTATIONS, make_study

from flows.settings import PREFECT_DEFAULTS

CUTOFF = datetime(2024, 6, 11, 12, 0, tzinfo=UTC)
FEED_ROWS = {"DM": 4, "EX": 4, "VS": 30, "AE": 4}

pytestmark = pytest.mark.timeout(600)


class Kind(NamedTuple):
    """One kind of bad input, and what a look must make of it.

    ``withheld`` counts rows by check; in upper case, the rows of a feed that is blocked as a whole.
    """

    name: str
    wrong: str
    verdict: str
    exit_code: int
    says: str
    withheld: Mapping[str, int] = {}


# fmt: off
KINDS = (
    Kind("good", "nothing: two cases among four subjects", "signal", 20, ""),
    Kind("misspelt_treatment", "CYT-107 for CYT107: read", "signal", 20, ""),

    # The file cannot be read: nobody knows what it would have said.
    Kind("empty_file", "vs.csv has 0 bytes", "not_assessable", 3, "VS 1: found an empty file"),
    Kind("feed_missing", "vs.csv is not there", "not_assessable", 3, "VS: found no file"),
    Kind("page_named_csv", "vs.csv is the page of a login form", "not_assessable", 3, "found an HTML or XML page"),
    Kind("text_named_xpt", "vs.xpt is really a CSV file", "not_assessable", 3, "VS 1: found text; allowed: a SAS"),
    Kind("truncated_xpt", "vs.xpt stops after 2,000 bytes", "not_assessable", 3, "VS 1: found a file cut short"),
    Kind("truncated_gzip", "vs.csv.gz stops half way", "not_assessable", 3, "that is damaged or cut short"),
    Kind("dataset_json_wrong_count", "vs.json says 31 records and has 30", "not_assessable", 3,
         "VS 1: found 30 rows; allowed: 31"),
    Kind("wrong_encoding", "ae.csv is Latin-1 (Nausée) and the protocol tells nothing", "not_assessable", 3,
         "a byte 0xE9 that is not UTF-8 in line 2"),
    Kind("utf_16_without_mark", "vs.csv is UTF-16 without its byte-order mark", "not_assessable", 3,
         "found a NUL character in line 1"),
    Kind("nul_bytes", "line 8 of vs.csv has NUL bytes for the value", "not_assessable", 3,
         "found a NUL character in line 8"),
    Kind("repeated_header", "line 12 of vs.csv is the header again: two files joined", "not_assessable", 3,
         "found the header again in line 12"),
    Kind("other_delimiter", "vs.csv is delimited by semicolons and the protocol tells nothing",
         "not_assessable", 3, "found a header delimited by semicolon"),
    Kind("too_many_fields", "line 3 of ae.csv: a comma in a term without quotation marks", "not_assessable", 3,
         "AE 1: found 8 fields in line 3; allowed: 7"),
    Kind("trailing_delimiter_once", "line 8 of vs.csv alone ends with a comma", "not_assessable", 3,
         "found 7 fields in line 8"),
    Kind("unterminated_quote", "line 3 of ae.csv opens a quotation mark and never closes it",
         "not_assessable", 3, "a quotation mark in line 3 that is never closed"),

    # The file can be read, and its structure blocks it.
    Kind("header_only", "vs.csv has no row below its header", "not_assessable", 30, "VS: the feed has no rows"),
    Kind("missing_column", "vs.csv has no VSDTC", "not_assessable", 30, "VSDTC is missing", {"VS": 30}),
    Kind("two_header_rows", "labels above the names: vs.csv", "not_assessable", 30, "USUBJID, VSTESTCD", {"VS": 31}),

    # Half of a feed, or two states of it.
    Kind("snapshots_without_dates", "two states of vs in one folder, and nothing says which is the newer",
         "not_assessable", 3, "VS 1 and VS 2 found with"),
    Kind("a_part_missing", "vs_part1of2.csv without its other part", "not_assessable", 3,
         "a file in parts found without part 2"),
    Kind("a_workbook_beside", "vs.csv and vs_US02.xlsx in one folder", "not_assessable", 3,
         "files that are not read: workbook (1)"),

    # Readable, but too old or too much set aside.
    Kind("stale_feed", "vs.csv is last week's file", "not_assessable", 30,
         "the latest accepted datum is of 2024-06-03"),
    Kind("all_rows_quarantined", "every row of vs.csv has the unit K", "not_assessable", 30,
         "VS: 100.0% of the rows are quarantined; allowed: at most 40.0%", {"unit_known": 30}),
    Kind("decimal_comma_not_told", "vs.csv writes 38,9 and the protocol tells the delimiter alone",
         "not_assessable", 30, "VS: 50.0% of the rows are quarantined", {"value_readable": 15}),

    Kind("excel_dates_not_told", "VSDTC is 45453.583333: a spreadsheet's number of days", "not_assessable", 30,
         "a number of days as spreadsheets keep dates", {"time_readable": 30}),
    Kind("american_dates_not_told", "VSDTC is 06/10/2024 02:00 PM", "not_assessable", 30,
         "say `date_format: MM/DD/YYYY hh:mm AM` or `date_format: DD/MM/YYYY hh:mm AM` of the feed",
         {"time_readable": 30}),

    # Odd, and read all the same.
    Kind("excel_dates_told", "the same, and the protocol says from which year", "signal", 20, ""),
    Kind("american_dates_told", "the same, and the protocol says in which form", "signal", 20, ""),
    Kind("decimal_comma_quoted", "38,9 in quotation marks beside a comma as delimiter, and told", "signal", 20, ""),
    Kind("blank_tail_rows", "200 lines of commas below the last row", "signal", 20,
         "VS 1: 200 blank rows are no records and are left out, all below the last row"),
    Kind("sep_line", "a first line sep=; that the protocol does not tell", "signal", 20,
         "its first line names the semicolon as its delimiter"),
    Kind("zip_of_one_file", "vs.csv in a zip archive", "signal", 20, ""),
    Kind("name_in_latin_1", "a file in the folder with a name that is not UTF-8", "signal", 20, ""),
    Kind("snapshots_with_dates", "two states of vs in one folder, with their dates in their names", "signal", 20,
         "VS 1: an older state of the feed"),
    Kind("units_in_words", "Degrees Celsius", "signal", 20, ""),
    Kind("decimal_comma_told", "vs.csv writes 38,9 and the protocol says so", "signal", 20, ""),
    Kind("encoding_told", "ae.csv is Latin-1 (Nausée) and the protocol says so", "signal", 20, ""),
    Kind("utf_16", "vs.csv is UTF-16 with its byte-order mark", "signal", 20, ""),
    Kind("trailing_delimiter", "each line of vs.csv but the header ends with a comma", "signal", 20, ""),
    Kind("exact_duplicate", "line 8 of vs.csv twice, the same in every column", "signal", 20,
         "the row is delivered more than once"),
    Kind("clock_gap", "2024-03-31T02:30 in Paris, when the clock was put forward", "signal", 20,
         "a local time that never happened"),
    Kind("sbp_11647", "a blood pressure of 11647, in no criterion: not judged", "signal", 20, ""),
    Kind("labels_below_header", "labels below the names: vs.csv", "signal", 20,
         "USUBJID is not an accepted subject of DM", {"subject_enrolled": 1}),
    Kind("hr_11647", "a heart rate of 11647", "signal", 20,
         "outside the physiological limits", {"value_plausible": 1}),
    Kind("infusion_over_midnight", "23:30 to 00:30 with one date: a subject without a case", "signal", 20,
         "an infusion over midnight"),

    # A reading on which a case rests: one case is left, the other counts in the worst case.
    Kind("f_in_c_field", "38.9 C written 102.0 C", "watch", 10, "F written as C", {"unit_fits": 1}),
    Kind("c_in_f_field", "38.9 C written 38.9 F", "watch", 10, "fits another unit", {"unit_fits": 1}),
    Kind("unknown_unit", "the unit K", "watch", 10, "is not a unit of that vital", {"unit_known": 1}),
    Kind("blank_unit", "no unit", "watch", 10, "VSORRESU is blank", {"unit_known": 1}),
    Kind("text_in_number", "high for 38.9", "watch", 10, "VSORRES is not a plain number", {"value_readable": 1}),
    Kind("blank_value", "no value, and not NOT DONE", "watch", 10, "VSORRES is blank", {"value_present": 1}),
    Kind("temp_370", "389 C: the decimal point is lost", "watch", 10, "a lost decimal point", {"value_plausible": 1}),
    Kind("oxysat_0", "a saturation of 0", "watch", 10, "a lost decimal point or signal", {"value_plausible": 1}),
    Kind("duplicate_key", "one VSSEQ for 38.9 and 36.9", "watch", 10, "a key names one record", {"key_unique": 2}),

    # A time on which a case rests.
    Kind("date_without_time", "2024-06-10", "watch", 10, "1 possible case has no time of day"),
    Kind("future_stamp", "a fever in 2042, for 2024", "watch", 10, "in 2042, a year or more after all else"),
    Kind("date_2024_06", "2024-06", "watch", 10, "1 possible case has no time of day"),
    Kind("date_2024_06_hyphens", "2024-06--", "watch", 10, "1 possible case has no time of day"),
    Kind("date_2024_hyphens_10", "2024---10", "watch", 10, "1 possible case has no time of day"),
    Kind("february_31", "a fever on 31 February", "watch", 10, "VSDTC is no such date", {"time_readable": 1}),
    Kind("february_31_event", "a dyspnoea on 31 February", "watch", 10, "AESTDTC is no such date",
         {"time_readable": 1}),
    Kind("february_31_dose", "a dose on 31 February", "watch", 10, "EXSTDTC is no such date", {"time_readable": 1}),
    Kind("basic_format", "20240610T1400", "watch", 10, "VSDTC is not ISO 8601", {"time_readable": 1}),
    Kind("basic_format_event", "20240610", "watch", 10, "AESTDTC is not ISO 8601", {"time_readable": 1}),

    # A dose on which a case rests.
    Kind("end_before_start", "08:00 to 07:30", "watch", 10, "lies before the start", {"end_not_before_start": 1}),
    Kind("dose_after_death", "DM says dead the day before", "watch", 10, "after the subject's death",
         {"alive_when_dosed": 1}),
    Kind("negative_dose", "an amount of -10", "watch", 10, "could tell the arm", {"administration_clear": 1}),
    Kind("unknown_dose_status", "EXSTAT is PENDING", "watch", 10, "does not say whether", {"dose_status_known": 1}),
    Kind("blank_treatment", "no EXTRT", "watch", 10, "could tell the arm", {"administration_clear": 1}),

    # Whose, or what, is not known: the look cannot say whether a case is missed.
    Kind("blank_subject", "no USUBJID", "watch", 10, "USUBJID is blank", {"subject_present": 1}),
    Kind("unknown_subject", "FR01-0O1 for FR01-001", "watch", 10, "not an accepted subject of DM",
         {"subject_enrolled": 1}),
    Kind("unknown_site", "DM says site FR99", "watch", 10, "SITEID is not a site of the study protocol",
         {"site_known": 1, "subject_enrolled": 12}),
    Kind("duplicate_subject", "DM has a subject at two sites", "watch", 10, "a key names one record",
         {"key_unique": 2, "subject_enrolled": 12}),
    Kind("treatment_by_another_name", "efineptakin alfa for CYT107", "watch", 10,
         "may be one of `treatment.names` under another name", {"administration_clear": 1}),
    Kind("blank_test", "no VSTESTCD", "watch", 10, "VSTESTCD is blank", {"test_named": 1}),
    Kind("blank_term", "no AETERM", "watch", 10, "AETERM is blank", {"term_present": 1}),

    # The case is no case: the feed says so.
    Kind("dose_not_given", "EXSTAT is NOT DONE: no window opens", "no_signal", 0,
         "a subject without an accepted dose"),
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look left: look.json, the rows of quarantine.csv, all that it says of the feeds, and its folder."""

    document: Mapping[str, Any]
    quarantine: list[Mapping[str, str]]
    said: str
    out: Path

    def feed(self, domain: str) -> Mapping[str, Any]:
        return next(feed for feed in self.document["feeds"] if feed["domain"] == domain)


def read_seen(out: Path) -> Seen:
    document = json.loads((out / "look.json").read_text(encoding="utf-8"))
    checks = json.loads((out / "validation.json").read_text(encoding="utf-8"))["checks"]
    with (out / "quarantine.csv").open(encoding="utf-8", newline="") as file:
        quarantine = list(csv.DictReader(file))
    problems = [problem for feed in document["feeds"] for problem in feed["problems"]]
    reasons = [row["message"] for row in quarantine]
    said = [*problems, *reasons, *(check["message"] for check in checks), *document["caveats"]]
    return Seen(document, quarantine, "\n".join(said), out)


@pytest.fixture(scope="module")
def prefect_here(prefect_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The session's Prefect server for all looks of this module; none lasts long enough to need a heartbeat."""
    home = str(tmp_path_factory.mktemp("prefect"))
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {**PREFECT_DEFAULTS, "PREFECT_HOME": home}.items():
            environment.setenv(name, value)
        environment.delenv("POSTDOSE_STATE", raising=False)
        from prefect import settings  # noqa: PLC0415  reads the environment

        told = {
            settings.PREFECT_API_URL: prefect_url,
            settings.PREFECT_API_AUTH_STRING: PASSWORD,
            settings.PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
        }
        with settings.temporary_settings(told):
            yield


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def looked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Kind, Seen]:
    """One look at one kind of bad input, without Prefect."""
    kind: Kind = request.param
    folder = tmp_path_factory.mktemp(kind.name)
    look_without_prefect(make_study(kind.name, folder / "study"), CUTOFF, folder / "out")
    return kind, read_seen(folder / "out")


def test_verdict(looked: tuple[Kind, Seen]) -> None:
    kind, seen = looked
    assert seen.document["verdict"] == kind.verdict


def test_the_documents_are_those_that_are_kept(looked: tuple[Kind, Seen]) -> None:
    kind, seen = looked
    kept = EXPECTED / f"{SPOILT_NAME}{kind.name}"
    if kind.name in NOT_THE_SAME_BYTES:
        assert not kept.exists()
        return
    made = documents_of(seen.out)
    for path in sorted(kept.iterdir()):
        assert made[path.name] == path.read_text(encoding="utf-8"), path.name


THROUGH_PREFECT = ("good", "empty_file", "header_only", "unknown_unit", "future_stamp", "sbp_11647")
"""Of each verdict and exit code one that is looked at through Prefect in every run."""


@pytest.mark.prefect
@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=[pytest.mark.slow] * (kind.name not in THROUGH_PREFECT)) for kind in KINDS],
    ids=lambda kind: kind.name,
)
def test_verdict_and_exit_code_through_prefect(kind: Kind, prefect_here: None, tmp_path: Path) -> None:
    from flows.looks.monitor import make_look  # noqa: PLC0415  imports Prefect, which reads the environment

    outcome = make_look(str(make_study(kind.name, tmp_path)), data_cutoff=CUTOFF, out=str(tmp_path / "out"))
    assert (outcome.document["verdict"], outcome.exit_code) == (kind.verdict, kind.exit_code)


def test_says_what_is_wrong(looked: tuple[Kind, Seen]) -> None:
    kind, seen = looked
    assert kind.says in seen.said


def test_withholds_those_rows_alone(looked: tuple[Kind, Seen]) -> None:
    kind, seen = looked
    blocked = {
        feed["domain"]: feed["rows_read"]
        for feed in seen.document["feeds"]
        if feed["outcome"] == "failed" and feed["rows_read"]
    }
    assert Counter(row["check"] for row in seen.quarantine) + Counter(blocked) == kind.withheld


def test_every_row_is_accepted_or_quarantined(looked: tuple[Kind, Seen]) -> None:
    _, seen = looked
    for feed in seen.document["feeds"]:
        assert feed["rows_read"] == feed["rows_accepted"] + feed["rows_quarantined"]
        listed = {row["source_row"] for row in seen.quarantine if row["domain"] == feed["domain"]}
        if feed["outcome"] == "passed":
            assert feed["rows_quarantined"] == len(listed)
        else:
            assert not feed["rows_accepted"]


def test_feeds_that_are_not_spoilt_are_read_whole(looked: tuple[Kind, Seen]) -> None:
    kind, seen = looked
    spoilt = {file.name.split(".")[0].upper() for file in (FIXTURES / kind.name).glob("*.*")}
    if kind.name in MUTATIONS or kind.name == "good":
        spoilt = {"VS", "AE"} if kind.name != "good" else set()
    for domain, rows in FEED_ROWS.items():
        if domain not in spoilt:
            assert seen.feed(domain)["rows_read"] == rows


def test_each_fixture_is_in_the_table() -> None:
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names)
    assert {path.name for path in FIXTURES.iterdir()} | set(MUTATIONS) == set(names)


# The same as a process: exit code, one JSON document on standard output, the words on standard error.
AS_PROCESS = ("empty_file", pytest.param("f_in_c_field", marks=pytest.mark.slow))


@pytest.mark.prefect
@pytest.mark.parametrize("name", AS_PROCESS)
def test_as_a_process(name: str, prefect_url: str, tmp_path: Path) -> None:
    kind = next(kind for kind in KINDS if kind.name == name)
    protocol = make_study(name, tmp_path / "study")
    own = {"PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_API_URL": prefect_url}
    environment = {**os.environ, **own}
    arguments = ["look", str(protocol), "--data-cutoff", CUTOFF.isoformat(), "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-m", "flows.commands.cli", *arguments, "--json"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == kind.exit_code, done.stderr
    assert json.loads(done.stdout)["verdict"] == kind.verdict
    assert "Traceback" not in done.stderr
    assert kind.says in read_seen(tmp_path / "out").said


def test_a_mistake_in_the_protocol_is_told_with_its_line(tmp_path: Path) -> None:
    protocol = make_study("good", tmp_path)
    text = protocol.read_text(encoding="utf-8")
    protocol.write_text(text.replace("at_least: 38.3", "at_least: 38,3"), encoding="utf-8")
    done = postdose("look", str(protocol), "--json", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "protocol.yaml:22: " in done.stderr
