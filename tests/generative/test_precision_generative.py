"""What is known less exactly never hides a case, and only times move when every instant moves.

Small trials of three subjects are written as SDTM stamps, each to the minute, hour, day or month, and read back
as a feed's stamps are. Dose, readings and adverse events lie near one another, so that most trials have a case.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from checks.cases import Charts, Findings, gather_evidence
from checks.cases.case_finding import find_cases
from checks.instants import parse_stamps
from checks.knowledge import Knowledge
from checks.looks import look_at
from checks.protocol import load_protocol
from checks.rules import Evidence, RuleVerdict
from checks.scenario import Scenario
from checks.signals import evaluate_rules
from checks.statistics.timing.self_controlled import self_controlled
from checks.tables import ADMINISTRATIONS, ADVERSE_EVENTS, MEASUREMENTS, Delivery, Feed

PROTOCOL = load_protocol(Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml")
AT_SITE = PROTOCOL.model_copy(update={"sites": {"IN01": "Asia/Kolkata"}})
"""India keeps one offset all year."""
FIRST_DAY = datetime(2026, 3, 2)
FORMS = {"minute": "%Y-%m-%dT%H:%M", "hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m"}
COARSER = {"minute": "hour", "hour": "day", "day": "month", "month": "month"}
TIMES = int(os.environ.get("POSTDOSE_EXAMPLES_TIMES", "1"))
"""So many times the examples of the standing run."""
LIMIT = settings(max_examples=16 * TIMES, deadline=None, suppress_health_check=list(HealthCheck))


@dataclass(frozen=True)
class Stamped:
    """A row: whose, what, its value, when, how exactly that is known, and whether the row is trusted."""

    subject: int
    what: str
    value: str
    minute: int
    precision: str = "minute"
    trusted: bool = True

    @property
    def stamp(self) -> str:
        return (FIRST_DAY + timedelta(minutes=self.minute)).strftime(FORMS[self.precision])


Trial = tuple[Stamped, ...]


@st.composite
def trials(draw: st.DrawFn, precisions: Sequence[str] = ("minute",)) -> Trial:
    """Doses by day and by night (an infusion may run over midnight), charting, and something that happens."""
    rows: list[Stamped] = []
    precision, trusted = st.sampled_from(precisions), st.sampled_from([True, True, True, False])
    for subject in range(draw(st.integers(1, 3))):
        dose = 2 * 1440 + draw(st.sampled_from([8 * 60, 20 * 60, 23 * 60, 23 * 60 + 30]))
        doses = [
            dose,
            *(dose + gap for gap in draw(st.lists(st.sampled_from([600, 1440, 4320]), max_size=1))),
        ]
        rows += [Stamped(subject, "dose", "", minute, draw(precision), draw(trusted)) for minute in doses]
        for minute in range(dose - 360, dose + 1440, draw(st.sampled_from([60, 150, 240]))):
            rows.append(Stamped(subject, "TEMP", draw(st.sampled_from(["36.5", "37.0"])), minute))
            rows.append(Stamped(subject, "OXYSAT", "97", minute))
        near = st.sampled_from(doses).flatmap(lambda one: st.integers(one - 400, one + 900))
        inside = st.sampled_from(doses).flatmap(lambda one: st.integers(one + 290, one + 490))
        for _ in range(draw(st.integers(1, 3))):
            when, apart = draw(st.one_of(inside, near)), draw(st.integers(-170, 170))
            fever = draw(st.sampled_from([("TEMP", "38.9"), ("TEMP", "38.1"), ("AE", "pyrexia")]))
            distress = draw(st.sampled_from([("OXYSAT", "86"), ("OXYSAT", "92"), ("AE", "dyspnoea")]))
            rows.append(Stamped(subject, *fever, when, draw(precision), draw(trusted)))
            rows.append(Stamped(subject, *distress, when + apart, draw(precision), draw(trusted)))
    return tuple(rows)


def table(contract: Any, rows: Sequence[Stamped], columns: Sequence[str], cells: list[Any]) -> pd.DataFrame:
    spans = parse_stamps(pd.Series([row.stamp for row in rows], dtype="str"), "UTC")
    frame = pd.DataFrame(cells, columns=list(columns)).assign(
        USUBJID=[f"S{row.subject}" for row in rows],
        earliest=spans["earliest"].to_numpy(),
        latest=spans["latest"].to_numpy(),
        timed=spans["timed"].to_numpy(),
        trusted=[row.trusted for row in rows],
        link=None,
        verbatim=None,
        fatal=False,
        ends_earliest=None,
        ends_latest=None,
    )
    frame[["earliest", "latest"]] = spans[["earliest", "latest"]]
    return contract.conform(frame)


VITAL = ("domain", "sequence", "test", "value", "alternative", "unit", "upper_limit")


def look(trial: Trial, *, unplaced: frozenset[str] = frozenset()) -> tuple[Findings, Evidence]:
    doses = [row for row in trial if row.what == "dose"]
    events = [row for row in trial if row.what == "AE"]
    readings = [row for row in trial if row.what not in ("dose", "AE")]
    vs = [
        ("VS", str(number), row.what, float(row.value), np.nan, "", np.nan)
        for number, row in enumerate(readings)
    ]
    ae = [(str(number), row.value, "", "") for number, row in enumerate(events)]
    charts = Charts(
        table(MEASUREMENTS, readings, VITAL, vs),
        table(ADVERSE_EVENTS, events, ("AESEQ", "term", "grade", "serious"), ae),
        pd.Index(sorted({f"S{row.subject}" for row in trial})),
    )
    given_doses = table(ADMINISTRATIONS, doses, ("EXSEQ",), [(str(n),) for n in range(len(doses))])
    cutoff = datetime(2026, 4, 30, tzinfo=UTC)
    findings = find_cases(given_doses, charts, PROTOCOL, cutoff)
    return findings, gather_evidence(findings, MEASUREMENTS.empty(), PROTOCOL, unplaced=unplaced)


def possible_subjects(findings: Findings) -> set[str]:
    return {case.USUBJID for case in findings.cases if case.in_risk_window != "no"}


def shows(row: Stamped) -> str:
    """Return which component a row shows, if any; one letter."""
    if row.value in ("", "36.5", "37.0", "97"):
        return ""
    return "f" if row.what == "TEMP" or row.value == "pyrexia" else "d"


def coarser(trial: Trial, place: int, steps: int) -> Stamped:
    """Return a row with a stamp so many steps coarser.

    The date of a report is evidence of another onset of its component on that date, and no onset of its own: beside
    others it is left at the hour.
    """
    row = trial[place]
    others = any(one is not row and (one.subject, shows(one)) == (row.subject, shows(row)) for one in trial)
    precision = row.precision
    for _ in range(1 if row.what == "AE" and others and steps == 2 else steps):
        precision = COARSER[precision]
    return replace(row, precision=precision)


@pytest.mark.slow
@settings(LIMIT, max_examples=48 * TIMES)
@given(trials(), st.data())
def test_a_coarser_stamp_never_excludes_a_case(trial: Trial, data: st.DataObject) -> None:
    """What is coarsened is a dose, or what shows a case; the charting beside it stays as it is.

    A case that is no longer listed in the window, nor as perhaps in it, is evidence of one that is listed: first seen
    less than a washout from it. That can be where a subject has several onsets of one component alone.
    """
    before, evidence = look(trial)
    shown = [place for place, row in enumerate(trial) if row.what == "dose" or shows(row)]
    coarse = list(trial)
    for place in data.draw(st.lists(st.sampled_from(shown), min_size=1, max_size=3, unique=True)):
        coarse[place] = coarser(trial, place, data.draw(st.integers(1, 3)))
    after, less = look(tuple(coarse))
    washout = PROTOCOL.case_definition.washout_hours * 3600
    lost = possible_subjects(before) - possible_subjects(after)
    for case in before.cases:
        if case.USUBJID in lost and case.in_risk_window != "no":
            listed = [one.seen for one in after.cases if case.USUBJID == one.USUBJID]
            assert any(abs(case.seen - seen) < washout for seen in listed), case
    rows = [(row.subject, shows(row)) for row in trial]
    several = {
        f"S{subject}"
        for subject, component in set(rows)
        if component and rows.count((subject, component)) > 1
    }
    assert lost <= several
    assert less.subjects_with_case().worst >= evidence.subjects_with_case().worst - len(lost)
    assert less.subjects_with_case().best <= evidence.subjects_with_case().worst


@pytest.mark.slow
@LIMIT
@given(trials(tuple(FORMS)), st.booleans())
def test_every_rule_answers_in_order_from_best_to_worst(trial: Trial, unplaced: bool) -> None:
    _, evidence = look(trial, unplaced=frozenset({"S9"} if unplaced else ()))
    in_risk, in_control = evidence.events_in_risk(), evidence.events_in_control()
    for tally in (evidence.subjects_with_case(), in_risk):
        assert tally.best <= tally.main <= tally.worst
    assert in_control.best >= in_control.main >= in_control.worst
    hours = evidence.hours_in_risk, evidence.hours_in_control
    if all(hours):
        p_values = [self_controlled(in_risk[one], in_control[one], *hours).p_value for one in Scenario]
        # 1 and 1 less a rounding in binary are one value
        assert all(later <= earlier + 1e-12 for earlier, later in pairwise(p_values))
    for result in evaluate_rules(evidence, PROTOCOL):
        crossed = [
            one is RuleVerdict.CROSSED for one in (result.best_case, result.verdict, result.worst_case)
        ]
        assert crossed == sorted(crossed), result


# --- the same as feeds ----------------------------------------------------------------------------------------


def feed(domain: str, rows: list[dict[str, str]], order: Random | None) -> Feed:
    rows = list(rows)
    if order is not None:
        order.shuffle(rows)
    frame = pd.DataFrame(rows).astype("str")
    frame = frame.mask(frame == "").assign(source_file=f"{domain}.csv", source_row=range(2, len(rows) + 2))
    return Feed(domain.upper(), frame, (Delivery(f"{domain}.csv", "ab" * 32, len(rows)),))


def document(trial: Trial, days: int, order: Random | None) -> dict[str, Any]:
    """Look at the trial as feeds, all of it moved by whole days, its rows in some order."""
    moved = [replace(row, minute=row.minute + 1440 * days) for row in trial]
    rows: dict[str, list[dict[str, str]]] = {"dm": [], "ex": [], "vs": [], "ae": []}
    for subject in sorted({row.subject for row in moved}):
        rows["dm"].append({"USUBJID": f"S{subject}", "SITEID": "IN01"})
    for number, row in enumerate(moved):
        mine = {"USUBJID": f"S{row.subject}"}
        if row.what == "dose":
            over_midnight = (FIRST_DAY + timedelta(minutes=row.minute + 120)).strftime("T%H:%M")
            rows["ex"].append(
                mine
                | {"EXSEQ": str(number), "EXTRT": "CYT107", "EXDOSE": "1", "EXSTDTC": row.stamp,
                   "EXENDTC": row.stamp[:10] + over_midnight}
            )  # fmt: skip
        elif row.what == "AE":
            rows["ae"].append(mine | {"AESEQ": str(number), "AEDECOD": row.value, "AESTDTC": row.stamp})
        else:
            unit = "C" if row.what == "TEMP" else "%"
            rows["vs"].append(
                mine
                | {"VSSEQ": str(number), "VSTESTCD": row.what, "VSORRES": row.value, "VSORRESU": unit,
                   "VSDTC": row.stamp}
            )  # fmt: skip
    rows["ae"] = rows["ae"] or [{"USUBJID": "S0", "AESEQ": "0", "AEDECOD": "headache", "AESTDTC": "2020"}]
    feeds = {name: feed(name, each, order) for name, each in rows.items()}
    cutoff = datetime(2026, 3, 12, tzinfo=UTC) + timedelta(days=days)
    found: dict[str, Any] = look_at(Knowledge(feeds), AT_SITE, data_cutoff=cutoff).document()
    # at which row of a file one stands is another matter
    said = [re.sub(r"rows? [0-9, -]+(and [0-9]+ more)?", "rows", text) for text in found["caveats"]]
    return {**found, "checks": [{**check, "place": ""} for check in found["checks"]], "caveats": said}


def without_times(content: dict[str, Any]) -> dict[str, Any]:
    """Leave out what names an instant."""
    kept = {name: value for name, value in content.items() if name not in ("data_cutoff", "look_id")}
    kept["cases"] = [{**case, "dose_start": None} for case in content["cases"]]
    kept["feeds"] = [{**one, "latest": None} for one in content["feeds"]]
    # a stale feed is told by the instant of its last datum
    kept["caveats"] = [text for text in content["caveats"] if "cannot be trusted" not in text]
    for one in kept["feeds"]:
        one["problems"] = len(one["problems"])
    return kept


TOLD_TWICE = tuple(
    Stamped(0, *what, minute)
    for *what, minute in [
        ("dose", "", 3360),
        *(
            (test, value, 3000 + 60 * step)
            for step in range(25)
            for test, value in (("TEMP", "36.5"), ("OXYSAT", "97"))
        ),
        ("TEMP", "38.9", 4260),
        ("OXYSAT", "86", 4260),
    ]
)
"""Two readings of one minute that contradict each other: a caveat names their rows."""


@settings(max_examples=3 * TIMES, deadline=None, suppress_health_check=list(HealthCheck))
@example(trial=TOLD_TWICE, days=2, seed=0)
@given(trials(("minute", "day")), st.integers(-1000, 1000), st.integers(0, 10**6))
def test_neither_the_date_nor_the_order_of_rows_changes_a_look(trial: Trial, days: int, seed: int) -> None:
    as_delivered = document(trial, 0, None)
    assert without_times(document(trial, days, None)) == without_times(as_delivered)
    assert document(trial, 0, Random(seed)) == as_delivered
