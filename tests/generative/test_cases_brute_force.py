"""Cases, windows and hours against a slow count, minute by minute, written from the definitions' words.

The slow count shares no code with the package: it walks lists of minutes, keeps values as exact decimals, and
counts hours one minute at a time. Where the words leave a choice, the comment beside it names the reading.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from checks.cases import Charts, Findings, gather_evidence
from checks.cases.case_finding import find_cases
from checks.protocol import load_protocol
from checks.rules.rate_looks import subject_path, window_path
from checks.tables import ADMINISTRATIONS, ADVERSE_EVENTS, MEASUREMENTS

PROTOCOL = load_protocol(Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml")
EPOCH = datetime(2026, 3, 2, tzinfo=UTC)

# The protocol's numbers, in minutes.
WASHOUT, WITHIN, GAP = 360, 180, 240
SECOND = Fraction(1, 60)
Minute = int | Fraction
BASELINE, RISK, CONTROL = (-360, 0), (300, 480), ((-1440, -360), (720, 2880))
COMPONENTS = {"fever": ("TEMP",), "respiratory_distress": ("FIO2", "OXYSAT", "RESP")}
TERMS = {"fever": "pyrexia", "respiratory_distress": "dyspnoea"}
NORMAL = {
    "TEMP": ("36.5", "37.0", "37.2"),
    "OXYSAT": ("96", "97"),
    "RESP": ("18", "29"),
    "FIO2": ("0.3", "0.4"),
}
ABNORMAL = {
    "TEMP": ("37.9", "38.0", "38.2", "38.3", "39.0"),
    "OXYSAT": ("94", "93", "90", "89"),
    "RESP": ("29", "30", "36"),
    "FIO2": ("0.5", "0.6"),
}


@dataclass(frozen=True)
class Report:
    """An adverse event: a minute, or a whole day."""

    component: str
    minute: int
    timed: bool

    @property
    def interval(self) -> tuple[Minute, Minute]:
        if self.timed:
            return self.minute, self.minute
        day = self.minute // 1440 * 1440
        return day, day + 1440 - SECOND


@dataclass(frozen=True)
class Subject:
    doses: tuple[int, ...]
    readings: tuple[tuple[int, str, str], ...]
    reports: tuple[Report, ...] = ()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show a falsifying example by vital, on a few lines."""
        printer.text(f"Subject(doses={self.doses}, reports={self.reports}")
        for vital in NORMAL:
            mine = (f"{minute}:{value}" for minute, name, value in self.readings if name == vital)
            printer.text(f", {vital}: {' '.join(mine)}")
        printer.text(")")


@dataclass(frozen=True)
class Trial:
    subjects: tuple[Subject, ...]
    cutoff: int


@dataclass(frozen=True)
class Onset:
    earliest: Minute
    latest: Minute
    seen: Minute | None
    certain: bool
    shown_by: frozenset[Any] = field(default_factory=frozenset)


# --- the slow count -------------------------------------------------------------------------------------------


def median(values: Sequence[Decimal]) -> Decimal | None:
    ordered, n = sorted(values), len(values)
    return (ordered[(n - 1) // 2] + ordered[n // 2]) / 2 if n else None


def abnormal(vital: str, text: str, base: Decimal | None) -> bool:
    value = Decimal(text)
    if vital == "TEMP":
        return value >= Decimal("38.3") or (base is not None and value - base >= 1 and value >= 38)
    if vital == "OXYSAT":
        return value < 90 or (base is not None and base - value >= 4 and value < 94)
    if vital == "RESP":
        return value >= 30
    return base is not None and value - base >= Decimal("0.2")


def measured_onsets(
    subject: Subject, component: str, anchor: int, first: int, last: Minute
) -> tuple[list[Onset], list[int]]:
    """New onsets first seen in first..last, and every minute at which readings show the component present."""
    mine = [reading for reading in subject.readings if reading[1] in COMPONENTS[component]]
    base = {
        vital: median([
            Decimal(value) for minute, name, value in mine
            if name == vital and anchor + BASELINE[0] <= minute <= anchor + BASELINE[1]
        ])
        for vital in COMPONENTS[component]
    }  # fmt: skip
    present: dict[int, bool] = {}
    for minute, vital, value in mine:
        if abnormal(vital, value, base[vital]):
            # RESP has no relative criterion: no baseline is missing for it
            certain = vital == "RESP" or base[vital] is not None
            present[minute] = present.get(minute, False) or certain
    onsets = []
    for minute, certain in sorted(present.items()):
        if not first <= minute <= last or any(minute - WASHOUT < other < minute for other in present):
            continue
        absent = [m for m, _, _ in mine if minute - WASHOUT <= m < minute and m not in present]
        if not absent and minute - WASHOUT in present:
            continue  # nobody measured that it was gone
        earlier = [m for m, _, _ in mine if m < minute]
        # Reading taken: without a measured absence in the washout hours the onset is not certain.
        begins = max(absent or earlier, default=min(first, minute))
        shown = frozenset((component, minute, "VS") for _ in (0,))
        onsets.append(Onset(begins, minute, minute, bool(certain and absent), shown))
    return onsets, sorted(present)


def distance(one: Onset, other: Onset) -> Minute:
    return max(0, one.earliest - other.latest, other.earliest - one.latest)


def component_onsets(
    subject: Subject, component: str, anchor: int, first: int, last: Minute, *, widest: bool = False
) -> list[Onset]:
    onsets, present = measured_onsets(subject, component, anchor, first, last)
    standing: list[Onset] = []
    for report in (one for one in subject.reports if one.component == component):
        begins, ends = report.interval
        if begins > last or ends < first - WASHOUT:
            continue  # Reading taken: a report further away says nothing about these hours.
        if ends >= first:
            begins, ends = max(begins, first), min(ends, last)
        own = Onset(begins, ends, begins if report.timed else None, report.timed, frozenset({report}))
        if widest and not report.timed:
            # At worst it tells of an onset of its own, if there is a second of it that follows on no presence.
            later = [minute + WASHOUT for minute in present if minute <= begins]
            runs_out = max([begins, *later])
            while more := [m + WASHOUT for m in present if m <= runs_out and m + WASHOUT > runs_out]:
                runs_out = max(more)
            if runs_out <= ends:
                standing.append(own)
            continue
        nearest = min(onsets, key=lambda onset: distance(onset, own), default=None)
        # Reading taken: a report within the washout of a measured onset tells of the same onset.
        if nearest is not None and distance(nearest, own) < WASHOUT:
            onsets[onsets.index(nearest)] = both(nearest, own)
        elif not any(begins - WASHOUT < minute <= ends for minute in present):
            onsets.append(own)
    # What was there before the first of these hours is not new in them.
    return [onset for onset in (*onsets, *standing) if latest_of(onset) >= first]


def both(one: Onset, other: Onset) -> Onset:
    low, high = max(one.earliest, other.earliest), min(one.latest, other.latest)
    if low > high:
        low, high = min(one.earliest, other.earliest), max(one.latest, other.latest)
    seen = min(minute for minute in (one.seen, other.seen) if minute is not None)
    return Onset(low, high, seen, one.certain or other.certain, one.shown_by | other.shown_by)


@dataclass(frozen=True)
class Pair:
    later: Onset
    timed: bool
    certain: bool
    gap: Minute
    shown_by: frozenset[Any]


def pairs(subject: Subject, anchor: int, first: int, last: Minute, *, widest: bool = False) -> list[Pair]:
    """Composites of one anchor, at most one an episode; a certain one is preferred, then the first."""
    fevers, distresses = (
        component_onsets(subject, name, anchor, first, last, widest=widest) for name in COMPONENTS
    )
    found = []
    for fever, distress in product(fevers, distresses):
        shown_by = fever.shown_by | distress.shown_by
        if fever.seen is not None and distress.seen is not None:
            gap = abs(fever.seen - distress.seen)
            # Reading taken: of two seen at once, respiratory distress is the later one.
            later = fever if fever.seen > distress.seen else distress
            pair = Pair(later, True, fever.certain and distress.certain, gap, shown_by)
        else:
            gap = distance(fever, distress)
            # Reading taken: without both clock times either may be the later one.
            both_began = max(fever.earliest, distress.earliest), max(fever.latest, distress.latest)
            later = Onset(*both_began, None, False)
            pair = Pair(later, False, False, abs(latest_of(fever) - latest_of(distress)), shown_by)
        if gap <= WITHIN:
            found.append(pair)
    chosen: list[Pair] = []
    for pair in sorted(found, key=lambda one: (not one.certain, one.later.latest, one.gap)):
        if widest or all(episodes_apart(pair.later, other.later) for other in chosen):
            chosen.append(pair)
    return chosen


def latest_of(onset: Onset) -> Minute:
    return onset.latest if onset.seen is None else onset.seen


def episodes_apart(one: Onset, other: Onset) -> bool:
    seen_apart = one.seen is not None and other.seen is not None and abs(one.seen - other.seen) >= WASHOUT
    return seen_apart or distance(one, other) >= WASHOUT


def hours(minutes: Minute) -> float:
    return round(float(minutes) / 60, 4)


def slow_cases(trial: Trial) -> Iterator[tuple[Any, ...]]:
    for number, subject in enumerate(trial.subjects):
        for dose, start in enumerate(subject.doses):
            following = subject.doses[dose + 1] if dose + 1 < len(subject.doses) else trial.cutoff + SECOND
            last = min(following - SECOND, trial.cutoff)
            found = [as_case(pair, start) for pair in pairs(subject, start, start, last)]
            if all(case[1] == "no" for case in found) and any(not one.timed for one in subject.reports):
                # Reading taken: at worst one case more, the first that may lie in the risk window.
                reach = min(last, start + RISK[1] + WITHIN + WASHOUT - SECOND)
                more = pairs(subject, start, start, reach, widest=True)
                open_cases = (
                    as_case(pair, start)
                    for pair in sorted(more, key=lambda one: (one.later.latest, one.later.earliest))
                )
                found += [
                    ("possible", "possible", False, *case[3:]) for case in open_cases if case[1] != "no"
                ][:1]
            yield from ((f"S{number:02d}", dose + 1, *case) for case in found)


def as_case(pair: Pair, start: int) -> tuple[Any, ...]:
    """Certainty, where it lies, whether surely so, hour, and the hours between which the case began."""
    low, high = pair.later.earliest - start, pair.later.latest - start
    hour = pair.later.seen - start if pair.timed and pair.later.seen is not None else None
    inside = hour is not None and RISK[0] <= hour <= RISK[1]
    where = "no"
    if inside or (low <= RISK[1] and high >= RISK[0]):
        where = "yes" if pair.certain and inside else "possible"
    surely = where == "yes" and RISK[0] <= low and high <= RISK[1]
    return (
        "definite" if pair.certain else "possible",
        where,
        surely,
        None if hour is None else hours(hour),
        (hours(low), hours(high)),
    )


def minutes_of_risk(subject: Subject) -> Iterator[range]:
    for start, following in pairwise((*subject.doses, 10**9)):
        yield range(start + RISK[0], min(start + RISK[1], following))


def minutes_of_control(subject: Subject) -> set[int]:
    control: set[int] = set()
    for start, following in pairwise((*subject.doses, 10**9)):
        for low, high in CONTROL:
            control.update(range(start + low, min(start + high, following)))
    return control.difference(*minutes_of_risk(subject))


def minutes_observed(subject: Subject, cutoff: int) -> set[int]:
    everywhere: set[int] | None = None
    for vitals in COMPONENTS.values():
        seen: set[int] = set()
        for vital in vitals:
            times = sorted({minute for minute, name, _ in subject.readings if name == vital})
            for minute, following in pairwise((*times, 10**9)):
                near = following - minute <= GAP
                seen.update(range(minute, following if near else minute + GAP // 2))
        everywhere = seen if everywhere is None else everywhere & seen
    return {minute for minute in everywhere or set() if minute < cutoff}


def slow_windows(trial: Trial, cases: Sequence[tuple[Any, ...]]) -> list[tuple[str, float]]:
    windows = []
    for number, subject in enumerate(trial.subjects):
        observed = minutes_observed(subject, trial.cutoff)
        for dose, (start, risk) in enumerate(zip(subject.doses, minutes_of_risk(subject), strict=True)):
            held = any(case[:2] == (f"S{number:02d}", dose + 1) and case[3] == "yes" for case in cases)
            watched = len(observed.intersection(risk))
            # Reading taken: half of the whole risk window, also where the next dose cuts it short.
            enough = held or 2 * watched >= RISK[1] - RISK[0]
            closed = start + RISK[1] <= trial.cutoff
            windows.append(("open" if not closed else "evaluable" if enough else "unobserved", watched / 60))
    return windows


def slow_control(trial: Trial) -> tuple[int, int, float]:
    """Control events of the main count, those that are so surely, and observed control hours."""
    counted = surely = watched = 0
    for subject in trial.subjects:
        control = minutes_of_control(subject)
        watched += len(control & minutes_observed(subject, trial.cutoff))
        found = []
        for begin, end in blocks_of(control):
            anchor = begin - RISK[0]
            # A record of the same episode after the last control hours puts in doubt that it began in them.
            ahead = 0 if end in control else WASHOUT
            for pair in pairs(subject, anchor, anchor, end + ahead):
                if pair.certain and pair.later.seen is not None and begin <= pair.later.seen <= end:
                    doubtful = not (begin <= pair.later.earliest and pair.later.latest <= end)
                    found.append((doubtful, begin, pair.shown_by))
        # At most one event a block; an onset on the edge of two blocks belongs to the surer one.
        blocks: set[int] = set()
        used: set[Any] = set()
        for doubtful, begin, shown_by in sorted(found, key=lambda one: one[:2]):
            if begin not in blocks and shown_by not in used:
                blocks.add(begin)
                used.add(shown_by)
                counted += 1
                surely += not doubtful
    return counted, surely, watched / 60


def blocks_of(control: set[int]) -> Iterator[tuple[int, int]]:
    width = RISK[1] - RISK[0]
    for run in runs(control):
        for begin in range(run.start, run.stop, width):
            yield begin, min(begin + width, run.stop)


def runs(minutes: set[int]) -> Iterator[range]:
    ordered = sorted(minutes)
    edges = [place for place in range(1, len(ordered)) if ordered[place] != ordered[place - 1] + 1]
    for first, after in pairwise((0, *edges, len(ordered))):
        if after > first:
            yield range(ordered[first], ordered[after - 1] + 1)


# --- the same trial as the package sees it --------------------------------------------------------------------


def tables(trial: Trial, shift: timedelta = timedelta()) -> tuple[pd.DataFrame, Charts]:
    def at(minute: Minute) -> pd.Timestamp:
        return pd.Timestamp(EPOCH + shift + timedelta(seconds=int(minute * 60)))

    doses, readings, reports = [], [], []
    for number, subject in enumerate(trial.subjects):
        name = f"S{number:02d}"
        for place, minute in enumerate(subject.doses):
            doses.append((name, str(place + 1), at(minute), at(minute), None, None, None, True))
        for place, (minute, vital, value) in enumerate(subject.readings):
            told = (float(value), np.nan, "", np.nan)
            readings.append(("VS", name, str(place + 1), vital, *told, at(minute), at(minute), True))
        for place, report in enumerate(subject.reports):
            low, high = (at(minute) for minute in report.interval)
            term = TERMS[report.component]
            ends = (None, None)
            row = (name, str(place + 1), term, None, "", "", False, low, high, *ends, report.timed, True)
            reports.append(row)

    def table(contract: Any, rows: list[Any]) -> pd.DataFrame:
        return contract.conform(pd.DataFrame(rows, columns=list(contract.columns)))

    known = pd.Index([f"S{number:02d}" for number in range(len(trial.subjects))])
    return table(ADMINISTRATIONS, doses), Charts(
        table(MEASUREMENTS, readings), table(ADVERSE_EVENTS, reports), known
    )


def look(trial: Trial, shift: timedelta = timedelta()) -> Findings:
    administrations, records = tables(trial, shift)
    cutoff = EPOCH + shift + timedelta(minutes=trial.cutoff)
    return find_cases(administrations, records, PROTOCOL, cutoff)


def told(findings: Findings) -> list[tuple[Any, ...]]:
    return sorted(
        (
            (c.USUBJID, c.dose_number, c.certainty, c.in_risk_window, c.surely, c.hour, c.onset_hours)
            for c in findings.cases
        ),
        key=repr,
    )


# --- small trials ---------------------------------------------------------------------------------------------

FIRST_DOSE = 3 * 1440
CHARTED = tuple(NORMAL)


@st.composite
def subjects(draw: st.DrawFn) -> Subject:
    """Charting at an even or uneven pace, with episodes near doses, holes, and sometimes an adverse event."""
    gaps = draw(st.lists(st.sampled_from([240, 390, 420, 600, 1440, 2160, 4320]), max_size=3))
    first = FIRST_DOSE + draw(st.integers(0, 59))
    doses = tuple(int(minute) for minute in np.cumsum([first, *gaps]))
    near = st.builds(
        lambda dose, offset: doses[dose % len(doses)] + offset,
        st.integers(0, 3),
        st.one_of(st.integers(-480, 720), st.integers(280, 500), st.integers(-1500, 3000)),
    )
    charted: dict[tuple[int, str], str] = {}
    for vital in CHARTED:
        if vital == "FIO2" and draw(st.booleans()):
            continue
        pace, offset = draw(st.sampled_from([30, 60, 120, 180, 241])), draw(st.integers(0, 40))
        for minute in range(first - draw(st.sampled_from([200, 500, 1500])) + offset, doses[-1] + 3000, pace):
            charted[minute, vital] = NORMAL[vital][(minute // 300) % len(NORMAL[vital])]
    for minute, length, vital in draw(
        st.lists(st.tuples(near, st.integers(0, 300), st.sampled_from(CHARTED)), max_size=5)
    ):
        value = draw(st.sampled_from(ABNORMAL[vital]))
        for key in charted:
            if key[1] == vital and minute <= key[0] <= minute + length:
                charted[key] = value
        charted[minute, vital] = value
    for minute in draw(st.lists(near, min_size=1, max_size=4)):  # both together: the thing looked for
        other, vital = draw(
            st.sampled_from([("OXYSAT", "89"), ("RESP", "30"), ("OXYSAT", "93"), ("FIO2", "0.6")])
        )
        charted[minute, "TEMP"] = draw(st.sampled_from(["38.0", "38.2", "38.3"]))
        charted[minute + draw(st.integers(-185, 185)), other] = vital
    for minute, length in draw(st.lists(st.tuples(near, st.integers(60, 500)), max_size=2)):
        hidden = draw(st.sampled_from([("TEMP",), ("OXYSAT", "RESP", "FIO2"), CHARTED]))
        charted = {
            k: v for k, v in charted.items() if not (k[1] in hidden and minute < k[0] < minute + length)
        }
    reports = [
        Report(name, draw(near), draw(st.booleans())) for name in COMPONENTS if draw(st.integers(0, 2)) == 0
    ]
    readings = tuple((minute, vital, value) for (minute, vital), value in sorted(charted.items()))
    return Subject(doses, readings, tuple(reports))


@st.composite
def trials(draw: st.DrawFn, most: int = 3) -> Trial:
    chosen = tuple(draw(st.lists(subjects(), min_size=1, max_size=most)))
    last = max(subject.doses[-1] for subject in chosen)
    cutoff = draw(st.one_of(st.just(last + 6000), st.integers(FIRST_DOSE, last + 3000)))
    # What is not yet known at the cut-off is not delivered.
    known = tuple(
        replace(
            subject,
            doses=tuple(minute for minute in subject.doses if minute <= cutoff),
            readings=tuple(one for one in subject.readings if one[0] <= cutoff),
            reports=tuple(one for one in subject.reports if one.interval[0] <= cutoff),
        )
        for subject in chosen
    )
    return Trial(known, cutoff)


def told_after_control() -> Trial:
    """Both components abnormal in the last control hour, and the distress told by an event two hours after it.

    The episode began in control hours for certain, but at which hour is in doubt: counted once, and not surely.
    """
    ends = FIRST_DOSE + CONTROL[1][1]
    charted = {
        (minute, vital): NORMAL[vital][1]
        for vital in ("TEMP", "OXYSAT")
        for minute in range(FIRST_DOSE - 1500, ends + 1000, 60)
    }
    charted |= {(ends - 30, "TEMP"): "38.3", (ends - 30, "OXYSAT"): "89"}
    readings = tuple((minute, vital, value) for (minute, vital), value in sorted(charted.items()))
    told = Report("respiratory_distress", ends + 120, timed=True)
    return Trial((Subject((FIRST_DOSE,), readings, (told,)),), ends + 3000)


small = settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
few = settings(small, max_examples=15)


@given(trials())
@example(told_after_control())
@small
def test_a_look_finds_what_the_slow_count_finds(trial: Trial) -> None:
    findings = look(trial)
    cases = sorted(slow_cases(trial), key=repr)
    assert told(findings) == cases

    windows = slow_windows(trial, cases)
    assert findings.doses["window"].tolist() == [window for window, _ in windows]
    np.testing.assert_allclose(findings.doses["risk_observed_hours"], [watched for _, watched in windows])

    counted, surely, watched = slow_control(trial)
    np.testing.assert_allclose(findings.hours_in_risk, sum(watched for _, watched in windows))
    np.testing.assert_allclose(findings.hours_in_control, watched)
    events = findings.control_events
    assert (sum(one.counted for one in events), sum(one.surely for one in events)) == (counted, surely)


@given(trials(), st.randoms(use_true_random=False))
@few
def test_the_order_of_rows_changes_nothing(trial: Trial, random: Any) -> None:
    administrations, records = tables(trial)

    def shuffled(table: pd.DataFrame) -> pd.DataFrame:
        order = list(range(len(table)))
        random.shuffle(order)
        return table.iloc[order].reset_index(drop=True)

    cutoff = EPOCH + timedelta(minutes=trial.cutoff)
    mixed = Charts(shuffled(records.measurements), shuffled(records.adverse_events), records.known)
    findings, again = look(trial), find_cases(shuffled(administrations), mixed, PROTOCOL, cutoff)
    assert again.cases == findings.cases
    assert again.control_events == findings.control_events
    pd.testing.assert_frame_equal(again.doses, findings.doses)


@given(trials(), st.integers(-40_000, 40_000))
@few
def test_shifted_instants_shift_nothing_else(trial: Trial, days: int) -> None:
    shift = timedelta(days=days)
    here, there = look(trial), look(trial, shift)
    assert told(there) == told(here)
    assert [c.dose_start - shift for c in there.cases] == [c.dose_start for c in here.cases]
    seconds = int(shift.total_seconds())
    moved_back = tuple(replace(event, seen=event.seen - seconds) for event in there.control_events)
    assert moved_back == here.control_events
    hours = ["window", "risk_observed_hours", "control_observed_hours"]
    pd.testing.assert_frame_equal(there.doses[hours], here.doses[hours])


HEALTHY = Subject(
    (FIRST_DOSE,),
    tuple(
        (minute, vital, NORMAL[vital][0]) for minute in range(0, 9000, 120) for vital in ("TEMP", "OXYSAT")
    ),
)


@given(trials())
@few
def test_a_healthy_subject_removes_no_case(trial: Trial) -> None:
    more = replace(trial, subjects=(*trial.subjects, HEALTHY))
    without, beside = look(trial), look(more)
    assert told(beside) == told(without)
    assert beside.control_events == without.control_events


@given(trials(), st.data())
@few
def test_best_main_and_worst_case_are_in_order(trial: Trial, data: st.DataObject) -> None:
    """Rows in quarantine add to the worst case and never to the others."""
    administrations, records = tables(trial)
    readings = records.measurements
    withheld = data.draw(st.sets(st.integers(0, max(0, len(readings) - 1)), max_size=20))
    readings = readings.assign(trusted=[row not in withheld for row in range(len(readings))])
    cutoff = EPOCH + timedelta(minutes=trial.cutoff)
    charts = Charts(readings, records.adverse_events, records.known)
    evidence = gather_evidence(
        find_cases(administrations, charts, PROTOCOL, cutoff), MEASUREMENTS.empty(), PROTOCOL
    )
    for tally in (evidence.subjects_with_case(), evidence.events_in_risk()):
        assert tally.best <= tally.main <= tally.worst
    # of control events the best case for the study drug holds the most
    in_control = evidence.events_in_control()
    assert in_control.best >= in_control.main >= in_control.worst
    for unit in (*subject_path(evidence), *window_path(evidence)):
        best, main, worst = (case is not None for _, case in unit.case.items())
        assert best <= main <= worst
        assert 0 <= unit.weight <= 1
    assert 0 <= evidence.windows_unobserved <= evidence.windows_elapsed

    sound = Charts(
        readings[readings["trusted"]].reset_index(drop=True), records.adverse_events, records.known
    )
    alone = gather_evidence(
        find_cases(administrations, sound, PROTOCOL, cutoff), MEASUREMENTS.empty(), PROTOCOL
    )
    assert evidence.subjects_with_case().main == alone.subjects_with_case().main
    assert evidence.subjects_with_case().best == alone.subjects_with_case().best
    assert evidence.subjects_with_case().worst >= alone.subjects_with_case().worst


@given(subjects())
@few
def test_control_blocks_are_treated_as_risk_windows(subject: Subject) -> None:
    """A block counts an event exactly where a dose in the place of its pseudo-dose would have had a case.

    Readings never fall on the edge of a block, which would belong to two; no adverse events.
    """
    dose = FIRST_DOSE
    off_edge = {(minute + (minute % 60 == 0), vital): value for minute, vital, value in subject.readings}
    readings = tuple((minute, vital, value) for (minute, vital), value in sorted(off_edge.items()))
    once = look(Trial((Subject((dose,), readings),), dose + 20_000))
    pseudo_doses = [
        dose + begin - RISK[0]
        for low, high in CONTROL
        for begin in range(low, high, RISK[1] - RISK[0])
    ]  # fmt: skip
    moved = look(Trial(tuple(Subject((one,), readings) for one in pseudo_doses), dose + 20_000))
    yes = [case for case in moved.cases if case.in_risk_window == "yes"]
    assert sum(event.counted for event in once.control_events) == len({case.USUBJID for case in yes})
    sure = {case.USUBJID for case in yes if case.surely}
    assert sum(event.surely for event in once.control_events) == len(sure)
