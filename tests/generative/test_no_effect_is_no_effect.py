"""Without an effect the relative incidence is 1: risk and control hours are treated alike.

The studies are simulated with nothing planted, and their temperature swings strongly over the day. Fever alone
gives the sharper test, since it is ten times as frequent as the case. There the doses are moved to moments
that have nothing to do with the course: at the real ones vital signs are also taken by protocol, so that
slightly more of what is there is seen.

Events of one study depend on each other, so the Monte Carlo error is taken between studies: without an effect
each has E(events in risk * control hours - events in control * risk hours) = 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from checks.cases import Charts
from checks.cases.case_finding import find_cases
from checks.protocol import StudyProtocol, load_protocol
from checks.tables import ADMINISTRATIONS, ADVERSE_EVENTS, MEASUREMENTS
from flows import simulate as simulator
from flows.simulate.study import Study, compose
from flows.simulate.timeline import ORIGIN

STUDIES = 16
SCHEDULES = 5
"""Times that the doses of one study are moved."""
WEEK_MINUTES = 7 * 24 * 60
CHARTED_BEFORE, CHARTED_AFTER = 36 * 60, 48 * 60
"""Charted minutes that a moved dose needs around it: control hours, with the baseline of the earliest."""


@dataclass(frozen=True, slots=True)
class Count:
    """Events and observed hours of one study."""

    in_risk: int
    in_control: int
    risk_hours: float
    control_hours: float


@pytest.fixture(scope="module")
def protocol() -> StudyProtocol:
    return load_protocol(Path(simulator.__file__).parent / "protocol.yaml")


@pytest.fixture(scope="module")
def studies() -> list[tuple[Study, Charts]]:
    composed = (compose("diurnal", seed=seed, subjects=21) for seed in range(1, STUDIES + 1))
    return [(study, records(study)) for study in composed]


def records(study: Study) -> Charts:
    rows = pd.DataFrame(
        [
            (name, str(order), one.test, one.celsius, one.minute)
            for name, charted in study.measurements.items()
            for order, one in enumerate(charted)
            if one.value is not None
        ],
        columns=["USUBJID", "sequence", "test", "value", "minute"],
    )
    at = moments(rows["minute"])
    readings = rows.assign(
        domain="VS",
        value=rows["value"].round(2),
        alternative=np.nan,
        unit="",
        upper_limit=np.nan,
        earliest=at,
        latest=at,
        trusted=True,
    )
    known = pd.Index([one.usubjid for one in study.subjects])
    return Charts(MEASUREMENTS.conform(readings), ADVERSE_EVENTS.empty(), known)


def moments(minutes: pd.Series) -> pd.Series:
    return pd.Timestamp(ORIGIN) + pd.to_timedelta(minutes, unit="min")


def doses_as_given(study: Study) -> list[tuple[str, int]]:
    return [(one.usubjid, dose.start) for one in study.subjects for dose in one.given]


def doses_moved(study: Study, rng: np.random.Generator) -> list[tuple[str, int]]:
    """Return each subject's doses, moved together by up to a week, where the charts surround them."""
    moved = []
    for one in study.subjects:
        by = int(rng.integers(WEEK_MINUTES))
        first, last = one.chart_start + CHARTED_BEFORE, one.chart_end - CHARTED_AFTER
        moved += [(one.usubjid, dose.start + by) for dose in one.given if first <= dose.start + by <= last]
    return moved


def count(study: Study, charted: Charts, doses: list[tuple[str, int]], protocol: StudyProtocol) -> Count:
    rows = pd.DataFrame(doses, columns=["USUBJID", "minute"])
    at = moments(rows["minute"])
    given = ADMINISTRATIONS.conform(
        rows.assign(
            EXSEQ=rows.index.astype(str),
            earliest=at,
            latest=at,
            ends_earliest=None,
            ends_latest=None,
            link=None,
            trusted=True,
        )
    )
    cutoff = (pd.Timestamp(ORIGIN) + pd.Timedelta(minutes=study.data_cutoff)).to_pydatetime()
    found = find_cases(given, charted, protocol, cutoff)
    return Count(
        sum(case.in_risk_window == "yes" for case in found.cases),
        sum(event.counted for event in found.control_events),
        found.hours_in_risk,
        found.hours_in_control,
    )


def relative_incidence(counts: list[Count]) -> float:
    in_risk, in_control = (sum(getattr(one, name) for one in counts) for name in ("in_risk", "in_control"))
    risk, control = (sum(getattr(one, name) for one in counts) for name in ("risk_hours", "control_hours"))
    return (in_risk / risk) / (in_control / control)


def standard_errors_from_one(counts: list[Count]) -> float:
    excess = np.array([one.in_risk * one.control_hours - one.in_control * one.risk_hours for one in counts])
    return float(abs(excess.sum()) / np.sqrt((excess**2).sum()))


def fever_alone(protocol: StudyProtocol) -> StudyProtocol:
    definition = protocol.case_definition
    alone = definition.model_copy(update={"components": {"fever": definition.components["fever"]}})
    return protocol.model_copy(update={"case_definition": alone})


def moved_counts(studies: list[tuple[Study, Charts]], protocol: StudyProtocol) -> Iterator[Count]:
    """Yield one count a study, over all its schedules."""
    for study, charted in studies:
        rng = np.random.default_rng(study.seed)
        parts = [count(study, charted, doses_moved(study, rng), protocol) for _ in range(SCHEDULES)]
        yield Count(*(sum(getattr(part, name) for part in parts) for name in Count.__dataclass_fields__))


@pytest.mark.slow
def test_cases_are_as_frequent_after_a_dose_as_elsewhere(
    studies: list[tuple[Study, Charts]], protocol: StudyProtocol
) -> None:
    counts = [count(study, charted, doses_as_given(study), protocol) for study, charted in studies]
    assert sum(one.in_control for one in counts) >= 30
    assert standard_errors_from_one(counts) < 3


@pytest.mark.slow
def test_fever_is_as_frequent_after_any_moment_as_elsewhere(
    studies: list[tuple[Study, Charts]], protocol: StudyProtocol
) -> None:
    counts = list(moved_counts(studies, fever_alone(protocol)))
    assert sum(one.in_risk for one in counts) >= 100
    assert standard_errors_from_one(counts) < 3
    assert 0.8 < relative_incidence(counts) < 1.25
