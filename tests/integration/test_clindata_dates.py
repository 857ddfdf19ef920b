"""A look at an EDC export of dates alone: partial ones are intervals, and dates stamped as instants no day early.

The export has each date twice: as text (``aest_dt``: 2015-01-10, 2016-12--, 2006----, -----), and stamped by a
system that took it for midnight in UTC and shows it on the clock of New York (``aestdat_nsv``), wherever the site.
"""

import math
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

import checks
from checks.cases import Case, Findings
from checks.cases.placing import ComponentOnset
from checks.criteria import TermsCriterion
from checks.protocol import StudyProtocol, load_protocol
from checks.signals import Verdict
from checks.tables import DeliveredTable
from checks.validation import FeedOutcome, Validation
from checks.validation.time_precision import UTC_MIDNIGHTS
from flows.feeds import FeedOptions, read_deliveries

pytestmark = pytest.mark.skipif(
    "POSTDOSE_TEST_DATA" not in os.environ, reason="POSTDOSE_TEST_DATA is unset: no real data at hand"
)

CUTOFF = datetime(2019, 12, 1, tzinfo=UTC)  # after the last record
ZONES = {"US": "America/New_York", "China": "Asia/Shanghai", "Japan": "Asia/Tokyo"}
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look made of the export."""

    validation: Validation
    findings: Findings
    verdict: Verdict

    def feed(self, domain: str) -> FeedOutcome:
        return next(feed for feed in self.validation.feeds if feed.domain == domain)

    def events(self) -> pd.DataFrame:
        return self.validation.adverse_events.set_index("AESEQ")

    def possible(self) -> dict[tuple[str, datetime], Case]:
        cases = self.findings.cases
        return {
            (case.USUBJID, case.dose_start.to_pydatetime()): case
            for case in cases
            if case.in_risk_window == "possible"
        }


def folder() -> Path:
    return Path(os.environ["POSTDOSE_TEST_DATA"]) / "data" / "clindata"


@pytest.fixture(scope="module")
def protocol() -> StudyProtocol:
    """The fixture, with the zone of each site that the list of sites has."""
    one = load_protocol(Path(__file__).parents[1] / "fixtures" / "protocols_real" / "clindata_reports.yaml")
    sites = pd.read_csv(folder() / "site.csv", dtype="str")
    zones = dict(zip(sites["site_num"], sites["country"].map(ZONES), strict=True))
    return one.model_copy(update={"sites": zones})


@pytest.fixture(scope="module")
def delivered(protocol: StudyProtocol) -> dict[str, tuple[DeliveredTable, ...]]:
    return {name: read(protocol, name) for name in ("DM", "EX", "AE")}


@pytest.fixture(scope="module")
def by_date(protocol: StudyProtocol, delivered: dict[str, tuple[DeliveredTable, ...]]) -> Looked:
    return look(protocol, delivered)


@pytest.fixture(scope="module")
def by_instant(protocol: StudyProtocol, delivered: dict[str, tuple[DeliveredTable, ...]]) -> Looked:
    """A look that takes the stamped column for the start and the end of an event, in place of the text."""
    ae = protocol.feeds.ae
    assert ae is not None and ae.layout is not None
    columns = {**ae.layout.columns, "AESTDTC": ("aestdat_nsv",), "AEENDTC": ("aeendat_nsv",)}
    stamped = ae.model_copy(update={"layout": ae.layout.model_copy(update={"columns": columns})})
    other = protocol.model_copy(update={"feeds": protocol.feeds.model_copy(update={"ae": stamped})})
    return look(other, {**delivered, "AE": read(other, "AE")})


def read(protocol: StudyProtocol, domain: str) -> tuple[DeliveredTable, ...]:
    feed = protocol.feeds.by_domain()[domain]
    return read_deliveries(str(folder() / feed.path), FeedOptions.of(feed, domain))


def look(protocol: StudyProtocol, delivered: dict[str, tuple[DeliveredTable, ...]]) -> Looked:
    found = checks.look(
        {domain.lower(): some for domain, some in delivered.items()}, protocol, data_cutoff=CUTOFF
    )
    return Looked(found.validation, found.findings, found.verdict)


# --- What the file says, read without the project's code ------------------------------------------------------


@pytest.fixture(scope="module")
def reported(protocol: StudyProtocol) -> pd.DataFrame:
    """The adverse events as they are, by record, with the zone of the subject's site."""
    columns = ["recordid", "subjectid", "siteid", "aest_dt", "aestdat_nsv", "mdrpt_nsv"]
    table = pd.read_parquet(folder() / "ae.parquet", columns=columns).set_index("recordid")
    return table.assign(zone=table["siteid"].map(dict(protocol.sites)))


def days_of(text: str) -> tuple[datetime, datetime] | None:
    """Return the first and the last day that a date may be, as local midnights; None without a year."""
    parts = [int(part) for part in text.split("-") if part]
    if not parts:
        return None
    year, month, day = (*parts, 0, 0)[:3]
    if day:
        return datetime(year, month, day), datetime(year, month, day)
    following = datetime(year + (month in (0, 12)), month % 12 + 1 if month else 1, 1)
    return datetime(year, month or 1, 1), following - DAY


def span_of(text: str, zone: str) -> Span | None:
    """Return the first and the last second, in UTC, of what a date may be at its site."""
    days = days_of(text)
    if days is None:
        return None
    begins, ends = days[0], days[1] + DAY
    first, after = (
        moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=UTC) for moment in (begins, ends)
    )
    return first, after - SECOND


def component_of(protocol: StudyProtocol, name: str) -> set[str]:
    component = protocol.case_definition.components[name]
    return {term for one in component.criteria if isinstance(one, TermsCriterion) for term in one.terms}


@pytest.fixture(scope="module")
def may_be_cases(protocol: StudyProtocol, reported: pd.DataFrame) -> set[tuple[str, datetime]]:
    """Return the doses under which a case of both components may lie in the risk window.

    The components began at most 3 h apart; both had begun 5 to 8 h after the dose, which was given at any hour of its
    day. Of several such doses it is the latest.
    """
    doses = (
        pd.read_parquet(folder() / "ex.parquet", columns=["subjectid", "exst_dt"])
        .groupby("subjectid")["exst_dt"]
        .apply(set)
    )
    terms = reported["mdrpt_nsv"].str.upper()
    named = {name: component_of(protocol, name) for name in ("infection", "pain")}
    found = set()
    for subject, mine in reported[terms.isin(set.union(*named.values()))].groupby("subjectid"):
        infections, pains = (spans_of(mine[terms[mine.index].isin(named[name])], ANY_TIME) for name in named)
        days = doses.get(subject, ())
        given = [span for day in days if (span := span_of(day, mine["zone"].iloc[0])) is not None]
        for one, other in ((one, other) for one in infections for other in pains):
            begins, ends = max(one[0], other[0]), max(one[1], other[1])
            if begins - min(one[1], other[1]) <= 3 * HOUR:
                held = [
                    dose[0] for dose in given if begins < dose[1] + 8 * HOUR and ends >= dose[0] + 5 * HOUR
                ]
                found |= {(str(subject), max(held))} if held else set()
    return found


ANY_TIME: Span = (datetime(1900, 1, 1, tzinfo=UTC), CUTOFF)
"""When an event of no date at all may have begun."""


def spans_of(events: pd.DataFrame, undated: Span | None = None) -> list[Span]:
    spans = (
        span_of(text, zone) or undated for text, zone in zip(events["aest_dt"], events["zone"], strict=True)
    )
    return [span for span in spans if span is not None]


# --- Nothing is dropped ---------------------------------------------------------------------------------------


def test_every_row_is_accepted_or_listed_with_its_reason(by_date: Looked, reported: pd.DataFrame) -> None:
    for domain, rows in (("DM", 2387), ("EX", 4876), ("AE", 4857)):
        feed = by_date.feed(domain)
        assert feed.rows_read == rows == feed.rows_accepted + feed.rows_quarantined
        listed = by_date.validation.quarantine.query("domain == @domain")
        assert listed["source_row"].nunique() == feed.rows_quarantined
    # 29 subjects are of sites that the list of sites lacks; none of them has an adverse event or a dose.
    # One event has no date at all (-----). Three end in a month before their start: 2008-04-- (2), 2019-01--.
    reasons = by_date.validation.quarantine.groupby(["domain", "check"]).size().to_dict()
    assert reasons == {
        ("DM", "site_known"): 29,
        ("AE", "time_readable"): 1,
        ("AE", "end_not_before_start"): 3,
    }
    assert len(by_date.events()) == len(reported) == 4857


def test_stamped_dates_lose_the_partial_ones_and_say_so(by_instant: Looked, reported: pd.DataFrame) -> None:
    """The stamped column is blank where the text is partial: 203 months, 7 years, 1 without either."""
    partial = (reported["aest_dt"].str.len() < 10) | reported["aest_dt"].str.endswith("-")
    feed = by_instant.feed("AE")
    assert (feed.rows_read, feed.rows_accepted, feed.rows_quarantined) == (4857, 4646, 211)
    assert set(by_instant.validation.quarantine.query("domain == 'AE'")["check"]) == {"time_readable"}
    withheld = by_instant.events().query("not trusted")
    assert sorted(withheld.index) == sorted(reported.index[partial])
    assert (withheld["latest"] == CUTOFF).all()  # it may be of any time: it counts in the worst case


# --- Each date is what it may be at its site ----------------------------------------------------------------


def test_a_date_spans_its_day_month_or_year_at_its_site(by_date: Looked, reported: pd.DataFrame) -> None:
    events, lengths = by_date.events(), dict.fromkeys(("day", "month", "year"), 0)
    for record, text, zone in zip(reported.index, reported["aest_dt"], reported["zone"], strict=True):
        span = span_of(text, zone)
        if span is not None:
            assert (events.at[record, "earliest"], events.at[record, "latest"]) == span, text
            days = (span[1] - span[0]) / DAY
            lengths["day" if days < 2 else "month" if days < 32 else "year"] += 1
    assert lengths == {"day": 4646, "month": 203, "year": 7}
    assert not events["timed"].any()


def test_a_stamped_date_is_the_day_that_was_entered(
    by_instant: Looked, by_date: Looked, reported: pd.DataFrame
) -> None:
    """It is no instant, and no day early: 2015-01-09T19:00:00-05:00 was entered as 2015-01-10."""
    stamped, entered = by_instant.events(), by_date.events()
    whole = reported.index[reported["aestdat_nsv"].notna()]
    assert len(whole) == 4646
    for edge in ("earliest", "latest"):
        assert (stamped.loc[whole, edge] == entered.loc[whole, edge]).all()
    assert not stamped["timed"].any()
    (said,) = [
        check
        for check in by_instant.validation.checks
        if (check.domain, check.name) == ("AE", "clock_certain")
    ]
    assert (said.outcome, said.severity, said.numerator) == ("failed", "warns", 4646)
    assert f"AESTDTC is {UTC_MIDNIGHTS}" in said.message


# By hand: New York is 5 h behind UTC in winter and 4 h in summer, Shanghai always 8 h and Tokyo 9 h ahead. The tenth
# of January 2015 in New York begins at 05:00 UTC and ends a second before 05:00 UTC on the eleventh, and so on. The
# stamp is always midnight in UTC of the date that was entered: 19:00 in winter and 20:00 in summer in New York.
BY_HAND = (
    ("US", "2015-01-10", "2015-01-09T19:00:00-05:00", "2015-01-10T05:00:00Z", "2015-01-11T04:59:59Z"),
    ("US", "2019-03-26", "2019-03-25T20:00:00-04:00", "2019-03-26T04:00:00Z", "2019-03-27T03:59:59Z"),
    ("China", "2014-09-19", "2014-09-18T20:00:00-04:00", "2014-09-18T16:00:00Z", "2014-09-19T15:59:59Z"),
    ("Japan", "2008-06-30", "2008-06-29T20:00:00-04:00", "2008-06-29T15:00:00Z", "2008-06-30T14:59:59Z"),
)


@pytest.mark.parametrize(("country", "entered", "stamp", "first", "last"), BY_HAND)
def test_stamps_by_hand(
    by_instant: Looked, reported: pd.DataFrame, country: str, entered: str, stamp: str, first: str, last: str
) -> None:
    here = reported["zone"].eq(ZONES[country]) & reported["aest_dt"].eq(entered)
    records = reported.index[here & reported["aestdat_nsv"].notna()]
    assert len(records) > 0
    assert set(reported.loc[records, "aestdat_nsv"].map(lambda moment: moment.isoformat())) == {stamp}
    spans = by_instant.events().loc[records]
    assert set(spans["earliest"]) == {pd.Timestamp(first)} and set(spans["latest"]) == {pd.Timestamp(last)}


# --- Hours since dose ---------------------------------------------------------------------------------------


def test_doses_that_may_have_a_case_in_their_window_are_possible_cases(
    by_date: Looked, may_be_cases: set[tuple[str, datetime]]
) -> None:
    possible = by_date.possible()
    halves = {key for key, case in possible.items() if "half" in case.why.values()}
    assert set(possible) - halves == may_be_cases
    assert len(may_be_cases) > 3
    # A cough since 26 June without an end, and an infection on 5 July, the day of a dose: one begins, one goes on.
    assert halves == {("X0141222-108XXX", datetime(2007, 7, 5, 4, tzinfo=UTC))}
    assert {(case.certainty, case.hour, case.surely) for case in by_date.findings.cases} == {
        ("possible", None, False)
    }
    assert by_date.verdict == Verdict.NOT_ASSESSABLE  # nothing was measured, so no window was observed


def test_no_case_comes_a_day_early(by_date: Looked, by_instant: Looked, reported: pd.DataFrame) -> None:
    """Each case's interval, laid on the calendar, is the days on which both components may have begun."""
    told = 0
    for one in (by_date, by_instant):
        doses = one.findings.doses.set_index(["USUBJID", "dose_number"])
        for case in one.findings.cases:
            dose = doses.loc[(case.USUBJID, case.dose_number)]
            if one is by_instant and not is_whole(case, reported):
                continue
            found = [spans_of(reported.loc[records_of(part)]) for part in case.components.values()]
            if not all(found):  # the event without any date may be of any time
                continue
            parts = [joined(spans) for spans in found]
            # Hours are those since a dose of the day's last second for the first end, of its first for the last.
            first = dose["start_latest"] + case.onset_hours[0] * HOUR
            last = dose["start_earliest"] + case.onset_hours[1] * HOUR
            begins, ends = (max(edge) for edge in zip(*parts, strict=True))
            # Until the next dose the hours are this one's.
            hours = float(dose["hours_end"])
            until = dose["start_latest"] + hours * HOUR if hours < math.inf else CUTOFF
            assert abs(first - max(begins, dose["start_earliest"])) <= SECOND
            assert abs(last - min(ends, until, CUTOFF)) <= 2 * SECOND
            told += 1
    assert told > 20


def joined(spans: list[Span]) -> Span:
    """Return the days on which a component began: those that its reports share, else all of them."""
    begins, ends = max(span[0] for span in spans), min(span[1] for span in spans)
    if begins <= ends:
        return begins, ends
    return min(span[0] for span in spans), max(span[1] for span in spans)


def records_of(part: ComponentOnset) -> list[str]:
    return [text.removeprefix("AE:AESEQ=") for text in part.evidence]


def is_whole(case: Case, reported: pd.DataFrame) -> bool:
    records = [record for part in case.components.values() for record in records_of(part)]
    return bool(reported.loc[records, "aestdat_nsv"].notna().all())


def test_stamped_dates_give_the_cases_of_the_dates(
    by_date: Looked, by_instant: Looked, reported: pd.DataFrame
) -> None:
    """Read as instants, the events of a day of a dose in New York would lie before it: 19:00 of the day before."""
    stamped = by_instant.possible()
    whole = {key: case for key, case in by_date.possible().items() if is_whole(case, reported)}
    assert len(whole) > 3
    for key, case in whole.items():
        assert stamped[key].onset_hours == case.onset_hours
