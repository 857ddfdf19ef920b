"""Looks on real studies, not made for this project: every number is counted again here, by other code.

None has clock times on doses beside repeated vital signs but the intensive-care demo; in the others a look has
to say what is missing, and must not invent an hour.
"""

import csv
import os
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from feed_files import read_feed

from checks.cases import Findings
from checks.knowledge import Knowledge
from checks.looks import look_at
from checks.protocol import StudyProtocol, load_protocol
from checks.validation import Validation

pytestmark = pytest.mark.skipif(
    "POSTDOSE_TEST_DATA" not in os.environ, reason="POSTDOSE_TEST_DATA is unset: no real data at hand"
)

PROTOCOLS = Path(__file__).parents[1] / "fixtures" / "protocols_real"
RISK_MINUTES = (5 * 60, 8 * 60)
"""Of icu_vancomycin.yaml: risk_window_hours."""
FRESH_MINUTES = {"TEMP": 12 * 60, "OXYSAT": 6 * 60, "RESP": 6 * 60}
"""The longest gaps between two measurements that observe: the defaults."""


@dataclass(frozen=True, slots=True)
class Looked:
    """One look: its look.json, and the tables it came from."""

    document: dict[str, Any]
    validation: Validation
    findings: Findings

    def feed(self, domain: str) -> dict[str, Any]:
        return next(feed for feed in self.document["feeds"] if feed["domain"] == domain)

    def withheld(self) -> dict[tuple[str, str], int]:
        return {(one["domain"], one["check"]): one["rows"] for one in self.document["quarantine"]}


def folder(name: str) -> Path:
    return Path(os.environ["POSTDOSE_TEST_DATA"]) / "data" / name


def read(feeds: Path, protocol: StudyProtocol, suffix: str | None) -> Knowledge:
    read = {}
    for domain, source in protocol.feeds.by_domain().items():
        path = feeds / source.path
        read[domain.lower()] = read_feed(
            str(path.with_suffix(suffix) if suffix else path), domain=domain, encoding=source.encoding
        )
    return Knowledge(read)


def looked(name: str, feeds: Path, cutoff: datetime, suffix: str | None = None) -> Looked:
    protocol = load_protocol(PROTOCOLS / f"{name}.yaml")
    found = look_at(read(feeds, protocol, suffix), protocol, data_cutoff=cutoff)
    return Looked(found.document(), found.validation, found.findings)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def assert_every_row_is_accounted_for(one: Looked, counted: dict[str, int]) -> None:
    assert {feed["domain"]: feed["rows_read"] for feed in one.document["feeds"]} == counted
    for feed in one.document["feeds"]:
        assert feed["rows_read"] == feed["rows_accepted"] + feed["rows_quarantined"]
        listed = one.validation.quarantine.query("domain == @feed['domain']")
        assert listed["source_row"].nunique() == feed["rows_quarantined"]


# --- Intensive care: vancomycin to the minute beside charted vital signs ---------------------------------

ICU_CUTOFF = datetime(2201, 12, 14, tzinfo=UTC)  # an hour after the last reading, 2201-12-13T18:00 in Boston


@pytest.fixture(scope="module")
def icu() -> Looked:
    return looked("icu_vancomycin", folder("mimic_iv_demo"), ICU_CUTOFF)


@pytest.fixture(scope="module")
def charted() -> list[dict[str, str]]:
    return rows_of(folder("mimic_iv_demo") / "vs.csv")


@pytest.fixture(scope="module")
def given() -> dict[str, list[int]]:
    """Return the minutes at which each subject was given a dose."""
    doses: dict[str, list[int]] = {}
    for row in rows_of(folder("mimic_iv_demo") / "ex.csv"):
        if row["EXSTAT"] == "":
            doses.setdefault(row["USUBJID"], []).append(minute(row["EXSTDTC"]))
    return {subject: sorted(minutes) for subject, minutes in doses.items()}


def minute(stamp: str) -> int:
    """Return the UTC minute of a naive stamp in Boston."""
    local = datetime.fromisoformat(stamp).replace(tzinfo=ZoneInfo("America/New_York"))
    return round(local.timestamp() / 60)


def is_in_a_clock_change(stamp: str) -> bool:
    """Whether a naive stamp in Boston exists twice, or not at all."""
    offsets = {
        datetime.fromisoformat(stamp).replace(tzinfo=ZoneInfo("America/New_York"), fold=fold).utcoffset()
        for fold in (0, 1)
    }
    return len(offsets) == 2


def minutes_observed(charted: Iterable[dict[str, str]], subject: str, tests: Iterable[str]) -> set[int]:
    """Return every minute at which a component is observed, by the definition: minute for minute, no spans."""
    observed: set[int] = set()
    for test in tests:
        at = sorted(
            {
                minute(row["VSDTC"])
                for row in charted
                if row["USUBJID"] == subject and row["VSTESTCD"] == test and float(row["VSORRES"]) > 0
            }
        )
        for this, following in zip(at, [*at[1:], None], strict=True):
            if following is not None and following - this <= FRESH_MINUTES[test]:
                observed.update(range(this, following))
    return observed


def test_icu_rows_are_accepted_or_listed_with_their_reason(
    icu: Looked, charted: list[dict[str, str]]
) -> None:
    assert_every_row_is_accounted_for(icu, {"DM": 14, "EX": 141, "VS": len(charted)})
    # No living subject has 0 of anything; vitals that no criterion uses are not judged.
    lost = [
        row
        for row in charted
        if float(row["VSORRES"]) == 0 and row["VSTESTCD"] in {"TEMP", "RESP", "OXYSAT", "HR"}
    ]
    assert icu.withheld() == {("VS", "value_plausible"): len(lost)} == {("VS", "value_plausible"): 7}


def test_icu_doses_not_given_open_no_window(icu: Looked, given: dict[str, list[int]]) -> None:
    exposure = icu.document["exposure"]
    assert exposure["doses"] == sum(map(len, given.values())) == 141 - 19  # 19 rows say NOT DONE
    assert exposure["subjects_dosed"] == len(given) == 14
    found = icu.findings.doses.groupby("USUBJID")["start_earliest"].apply(list)
    assert {
        subject: [int(at.timestamp()) // 60 for at in starts] for subject, starts in found.items()
    } == given


def test_icu_windows_are_observed_where_minute_by_minute_counting_says_so(
    icu: Looked, charted: list[dict[str, str]], given: dict[str, list[int]]
) -> None:
    fates: Counter[str] = Counter()
    opens, closes = RISK_MINUTES
    for subject, doses in given.items():
        both = minutes_observed(charted, subject, ["TEMP"]) & minutes_observed(
            charted, subject, ["OXYSAT", "RESP"]
        )
        for dose in doses:
            seen = sum(at in both for at in range(dose + opens, dose + closes))
            fates["evaluable" if seen >= (closes - opens) / 2 else "unobserved"] += 1
    exposure = icu.document["exposure"]
    assert {fate: exposure[f"windows_{fate}"] for fate in fates} == dict(fates)
    assert exposure["windows_open"] == 0  # the cut-off is years after most doses
    assert exposure["doses"] == sum(fates.values())


def test_icu_is_not_assessable_while_most_windows_are_unobserved(icu: Looked) -> None:
    exposure = icu.document["exposure"]
    assert exposure["windows_unobserved"] / exposure["doses"] > 0.5  # the protocol's limit
    assert icu.document["verdict"] == "not_assessable"
    # what was seen is judged all the same
    assert {rule["verdict"] for rule in icu.document["rules"]} == {"not_crossed"}
    assert any(
        said.startswith("85 of 122 elapsed dose windows unobserved") for said in icu.document["caveats"]
    )


def test_icu_has_no_case_and_no_signal_where_half_blind_looks_are_allowed(
    charted: list[dict[str, str]], given: dict[str, list[int]]
) -> None:
    """No subject is febrile within 3 h of respiratory distress in any dose's hours, so none can be a case."""
    assert not list(_coincidences(charted, given))
    protocol = load_protocol(PROTOCOLS / "icu_vancomycin.yaml")
    lenient = protocol.model_copy(
        update={"limits": protocol.limits.model_copy(update={"max_unobserved": 0.9})}
    )
    one = look_at(read(folder("mimic_iv_demo"), lenient, None), lenient, data_cutoff=ICU_CUTOFF)
    assert one.cases == ()
    assert one.verdict == "no_signal"


def _coincidences(
    charted: list[dict[str, str]], given: dict[str, list[int]]
) -> Iterable[tuple[str, int, int]]:
    """Yield 38.0 C or more within 3 h of RESP >= 30 or OXYSAT < 94: wider than the criteria, needing no baseline."""
    for subject, doses in given.items():
        mine = [row for row in charted if row["USUBJID"] == subject and float(row["VSORRES"]) > 0]
        hot = [minute(row["VSDTC"]) for row in mine if row["VSTESTCD"] == "TEMP" and celsius(row) > 37.99]
        bad = [minute(row["VSDTC"]) for row in mine if is_distressed(row)]
        for fever in hot:
            for distress in bad:
                if abs(fever - distress) <= 180 and min(fever, distress) >= doses[0]:
                    yield subject, fever, distress


def celsius(row: dict[str, str]) -> float:
    value = float(row["VSORRES"])
    return (value - 32) / 1.8 if row["VSORRESU"] == "F" else value


def is_distressed(row: dict[str, str]) -> bool:
    value = float(row["VSORRES"])
    return (row["VSTESTCD"] == "RESP" and value >= 30) or (row["VSTESTCD"] == "OXYSAT" and value < 94)


def test_icu_stamps_in_a_clock_change_are_spans_of_an_hour(
    icu: Looked, charted: list[dict[str, str]]
) -> None:
    used = [row for row in charted if row["VSTESTCD"] in {"TEMP", "RESP", "OXYSAT", "HR"}]
    changed = [row["VSSEQ"] for row in used if is_in_a_clock_change(row["VSDTC"])]
    spans = icu.validation.measurements.query("earliest < latest")
    assert sorted(spans["sequence"]) == sorted(changed) != []
    assert (spans["latest"] - spans["earliest"] == timedelta(hours=1)).all()


def test_fahrenheit_written_as_celsius_is_withheld_with_what_it_would_be(
    tmp_path: Path, charted: list[dict[str, str]]
) -> None:
    """A charting mistake seen in other subjects of the same hospital, made here on real readings of 97.2 F."""
    for name in ("dm.csv", "ex.csv"):
        shutil.copy(folder("mimic_iv_demo") / name, tmp_path / name)
    wrong = [row["VSSEQ"] for row in charted if (row["VSORRES"], row["VSORRESU"]) == ("97.2", "F")]
    with (tmp_path / "vs.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=charted[0])
        writer.writeheader()
        for row in charted:
            as_celsius = row["VSORRES"] == "97.2" and row["VSORRESU"] == "F"
            writer.writerow({**row, "VSORRESU": "C"} if as_celsius else row)
    validation = looked("icu_vancomycin", tmp_path, ICU_CUTOFF).validation
    listed = validation.quarantine.query("check == 'unit_fits'")
    assert len(listed) == len(wrong) > 0
    assert set(listed["found"]) == {"97.2 C"}
    withheld = validation.measurements.query("alternative.notna()")
    assert sorted(withheld["sequence"]) == sorted(wrong)
    assert withheld["alternative"].round(2).eq(36.22).all()  # (97.2 - 32) / 1.8
    assert withheld["value"].eq(97.2).all() and not withheld["trusted"].any()


# --- The CDISC pilot: patches by date, adverse events by date --------------------------------------------

PILOT_CUTOFF = datetime(2015, 3, 6, 12, tzinfo=UTC)  # a day after the last record
REDNESS, ITCHING = "APPLICATION SITE ERYTHEMA", "APPLICATION SITE PRURITUS"


@pytest.fixture(scope="module")
def pilot() -> Looked:
    return looked("pilot_patches", folder("pharmaversesdtm"), PILOT_CUTOFF)


@pytest.fixture(scope="module")
def same_days() -> dict[tuple[str, int], set[int]]:
    """Return, by subject and dose, the days after it at which redness and itching were both new.

    Two dates can be within 3 h of each other when they are the same or next to each other; the later one is
    the case's. Temperature never reaches 38.3 C in the pilot.
    """
    where = folder("pharmaversesdtm")
    doses, events = rows_of(where / "ex.csv"), rows_of(where / "ae.csv")
    found: dict[tuple[str, int], set[int]] = {}
    for subject in {row["USUBJID"] for row in doses}:
        starts = sorted({pd.Timestamp(row["EXSTDTC"]) for row in doses if row["USUBJID"] == subject})
        red, itchy = (
            [
                pd.Timestamp(row["AESTDTC"])
                for row in events
                if row["USUBJID"] == subject and row["AEDECOD"] == term
            ]
            for term in (REDNESS, ITCHING)
        )
        for number, (start, until) in enumerate(zip(starts, [*starts[1:], pd.Timestamp.max], strict=True), 1):
            for one in red:
                for other in itchy:
                    if min(one, other) >= start and max(one, other) < until and abs((one - other).days) <= 1:
                        found.setdefault((subject, number), set()).add((max(one, other) - start).days)
    return found


@pytest.fixture(scope="module")
def begun_beside() -> dict[tuple[str, int], set[int]]:
    """Return, by subject and dose, the days after it at which one began while the other went on: half a case.

    The other began more than a day before, and had not ended; of one term a line that comes while an earlier one
    goes on is no beginning.
    """
    where = folder("pharmaversesdtm")
    doses, events = rows_of(where / "ex.csv"), rows_of(where / "ae.csv")
    found: dict[tuple[str, int], set[int]] = {}
    for subject in {row["USUBJID"] for row in doses}:
        starts = sorted({pd.Timestamp(row["EXSTDTC"]) for row in doses if row["USUBJID"] == subject})
        lines = {
            term: [
                (pd.Timestamp(row["AESTDTC"]), pd.Timestamp(row["AEENDTC"] or pd.Timestamp.max))
                for row in events
                if row["USUBJID"] == subject and row["AEDECOD"] == term
            ]
            for term in (REDNESS, ITCHING)
        }
        for term, other in ((REDNESS, ITCHING), (ITCHING, REDNESS)):
            for day, _ in lines[term]:
                new = not any(start < day <= end for start, end in lines[term])
                near = any(abs((day - start).days) <= 1 for start, _ in lines[other])
                goes_on = any(start < day <= end for start, end in lines[other])
                given = [number for number, start in enumerate(starts, 1) if start <= day]
                if new and goes_on and not near and given:
                    found.setdefault((subject, given[-1]), set()).add((day - starts[given[-1] - 1]).days)
    return found


def study_day(date: str, first: str) -> int:
    """Return the study day of a date by SDTM: the first is day 1, the one before it day -1."""
    days = (pd.Timestamp(date[:10]) - pd.Timestamp(first[:10])).days
    return days + 1 if days >= 0 else days


def test_pilot_rows_are_all_accepted_but_one_whose_study_day_is_a_year_later(pilot: Looked) -> None:
    assert_every_row_is_accounted_for(pilot, {"DM": 306, "EX": 591, "VS": 29643, "AE": 1191})
    where = folder("pharmaversesdtm")
    first = {row["USUBJID"]: row["RFSTDTC"] for row in rows_of(where / "dm.csv")}
    dated = [row for row in rows_of(where / "ae.csv") if len(row["AESTDTC"]) >= 10 and row["AESTDY"]]
    told = [(row, study_day(row["AESTDTC"], first[row["USUBJID"]])) for row in dated]
    off = [(float(row["AESTDY"]) - day, row["AESEQ"]) for row, day in told if day != float(row["AESTDY"])]
    assert [days for days, _ in off] == [
        365
    ]  # AESTDTC 2013-05-09, the first day of the study, and AESTDY 366
    assert pilot.withheld() == {("AE", "witnesses_agree"): 1}
    assert list(pilot.validation.quarantine["record"]) == [f"AESEQ={float(off[0][1]):g}"]


def test_pilot_cases_are_those_whose_dates_can_coincide(
    pilot: Looked, same_days: dict[tuple[str, int], set[int]], begun_beside: dict[tuple[str, int], set[int]]
) -> None:
    halves = [case for case in pilot.document["cases"] if "half" in case["why"].values()]
    whole = [case for case in pilot.document["cases"] if case not in halves]
    for cases, dated, number in ((whole, same_days, 3), (halves, begun_beside, 1)):
        assert {(case["USUBJID"], case["dose_number"]) for case in cases} == set(dated)
        # On the day of the dose or the next, 5 to 8 h after it is possible; from the second day on it is not.
        possible = {key for key, days in dated.items() if min(days) <= 1}
        assert {
            (case["USUBJID"], case["dose_number"]) for case in cases if case["in_risk_window"] == "possible"
        } == possible
        assert len(possible) == number


def test_pilot_dates_give_possible_cases_and_never_an_hour(pilot: Looked) -> None:
    cases = pilot.document["cases"]
    assert {(case["certainty"], case["hour"], case["surely"]) for case in cases} == {
        ("possible", None, False)
    }
    for case in cases:
        first, last = case["onset_hours"]
        assert last - first > 23  # at least the day that a date leaves open


def test_pilot_says_what_is_missing(pilot: Looked) -> None:
    exposure, said = pilot.document["exposure"], pilot.document["caveats"]
    assert pilot.document["verdict"] == "not_assessable"
    fates = [exposure[f"windows_{fate}"] for fate in ("unobserved", "under_observed")]
    assert (exposure["doses"], fates) == (591, [587, 4])  # four may hold a case, one of them half a case
    assert "4 possible cases have no time of day: ask the sites for it." in said
    assert any("591 doses have no time of day, so hours since dose are not known" in one for one in said)


# --- One study in four formats ---------------------------------------------------------------------------

FORMATS = (".xpt", ".json", ".ndjson", ".dsjc")


@pytest.fixture(scope="module")
def injections() -> dict[str, Looked]:
    cutoff = datetime(2014, 12, 31, tzinfo=UTC)
    where = folder("datasetjson") / "sdtm"
    return {suffix: looked("zanomaline_injections", where, cutoff, suffix) for suffix in FORMATS}


def without_hashes(document: dict[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in document.items() if name not in {"look_id", "feeds"}}
    feeds = [{name: value for name, value in feed.items() if name != "sha256"} for feed in document["feeds"]]
    return {**said, "feeds": feeds}


@pytest.mark.parametrize("suffix", FORMATS[1:])
def test_other_formats_give_the_look_of_the_transport_file(
    injections: dict[str, Looked], suffix: str
) -> None:
    reference, other = injections[".xpt"].document, injections[suffix].document
    assert without_hashes(other) == without_hashes(reference)
    assert other["look_id"] != reference["look_id"]


def test_injections_by_date_leave_events_under_the_latest_dose_that_may_have_them(
    injections: dict[str, Looked],
) -> None:
    one = injections[".xpt"]
    assert_every_row_is_accounted_for(one, {"DM": 18, "EX": 1583, "VS": 1414, "AE": 74})
    # CDISC007 alone has both terms begin on one day, 2013-01-19, when an injection was given as on every day: hours 5
    # to 8 of the injection of the 18th, at whatever hour it was, may reach into the 19th too.
    half, case = one.document["cases"]
    # Fatigue on 2013-01-14, the day of an injection, while the reaction of 2012-12-02 has no end.
    assert (half["USUBJID"], half["dose_start"]) == ("CDISC001", "2013-01-14T05:00:00Z")
    assert (half["why"], half["in_risk_window"]) == ({"other": "reported", "reaction": "half"}, "possible")
    assert (case["USUBJID"], case["dose_start"]) == ("CDISC007", "2013-01-19T05:00:00Z")
    assert (case["certainty"], case["in_risk_window"], case["hour"]) == ("possible", "possible", None)
    assert case["dose_number"] - 1 in [other["dose_number"] for other in case["other_doses"]]
    assert one.document["verdict"] == "not_assessable"
    assert any("1,583 doses have no time of day" in said for said in one.document["caveats"])


# --- The vaccine set: doses to the minute, a diary every evening -----------------------------------------


@pytest.fixture(scope="module")
def vaccine() -> Looked:
    cutoff = datetime(2022, 7, 1, tzinfo=UTC)
    return looked("vaccine_reactogenicity", folder("pharmaversesdtm"), cutoff)


def test_vaccine_rows_left_blank_are_withheld(vaccine: Looked) -> None:
    diary = rows_of(folder("pharmaversesdtm") / "vs_vaccine.csv")
    blank = sum(row["VSORRES"] == "" for row in diary)
    assert_every_row_is_accounted_for(vaccine, {"DM": 2, "EX": 4, "VS": 28})
    assert vaccine.withheld() == {("VS", "value_present"): blank} == {("VS", "value_present"): 8}


def test_vaccine_window_without_a_diary_is_unobserved_not_normal(vaccine: Looked) -> None:
    exposure = vaccine.document["exposure"]
    fates = [exposure[f"windows_{fate}"] for fate in ("evaluable", "open", "under_observed")]
    # ABC-1001 wrote nothing after the second vaccination; the rows left blank may have been warm evenings
    assert fates == [3, 0, 1]
    unobserved = vaccine.findings.doses.query("window == 'under_observed'")
    assert unobserved[["USUBJID", "dose_number"]].to_numpy().tolist() == [["ABC-1001", 2]]


def test_vaccine_hours_run_from_the_dose_to_the_middle_between_two_evenings(vaccine: Looked) -> None:
    cases = {
        (case["USUBJID"], case["dose_number"], case["in_risk_window"]): (case["onset_hours"], case["hour"])
        for case in vaccine.document["cases"]
        if case["certainty"] == "definite"
    }
    # Dose 2021-11-03T10:50:00; evenings of 11-03T18:00:23 and, at 36.9 C or more (99.1 F), of 11-04T18:01:09: 7 h
    # 10 min 23 s and 31 h 11 min 9 s. Their middle is 19 h 10 min 46 s: it may have been at 24 h or later.
    between, hour = cases["ABC-1001", 1, "possible"]
    assert between == pytest.approx([7 + 10 / 60 + 23 / 3600, 31 + 11 / 60 + 9 / 3600], abs=1e-4)
    assert hour == pytest.approx(19 + 10 / 60 + 46 / 3600, abs=1e-4)
    # Dose 2021-12-16T12:41:00; evenings of 12-17T18:22:25 and, the first such (98.5 F), of 12-18T18:34:53: 29 h
    # 41 min 25 s and 53 h 53 min 53 s.
    between, hour = cases["ABC-1002", 2, "yes"]
    assert between == pytest.approx([29 + 41 / 60 + 25 / 3600, 53 + 53 / 60 + 53 / 3600], abs=1e-4)
    assert hour == pytest.approx(41 + 47 / 60 + 39 / 3600, abs=1e-4)
    (rule,) = vaccine.document["rules"]
    assert (rule["events"], rule["detail"]["events_worst"]) == (1, 2)
    assert vaccine.document["verdict"] == "no_signal"  # two short of three
