"""Random subjects: the package finds what the slow count of ``tests/words`` finds, whatever does not matter changes.

The slow count is written from the definitions alone; where the two disagree, the definitions decide.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pandas as pd
import pytest
from words.charted import HOUR, Chart
from words.made_up import random_subject
from words_in_tables import (
    DAY_ONE,
    definition_of,
    known_at,
    look_at,
    package_look,
    slow_look,
    tables,
    usual_protocol,
)

from checks.cases import Charts, Findings, gather_evidence
from checks.cases.case_finding import find_cases
from checks.protocol import StudyProtocol
from checks.protocol.case_definition import CaseDefinition
from checks.tables import MEASUREMENTS

PROTOCOL = usual_protocol()
Change = Callable[[Chart], Chart]
FEW = range(3000, 3006)
"""Seeds of the properties, of subjects that the comparison does not draw."""


def hold_alike(seeds: range, protocol: StudyProtocol = PROTOCOL, changed: Change = lambda one: one) -> None:
    """Twenty-five subjects are looked at together, at the cut-off of the first of them."""
    definition = definition_of(protocol)
    for first in seeds[::25]:
        drawn = {f"S{seed}": changed(random_subject(seed)) for seed in range(first, first + 25)}
        charts = known_at(drawn, drawn[f"S{first}"].cutoff)
        findings = look_at(charts, protocol)
        for name, chart in charts.items():
            package = package_look(findings, name)
            for part, expected in slow_look(chart, definition).items():
                assert package[part] == expected, f"{part} of random subject {name}"


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_the_package_finds_what_the_words_say(first: int) -> None:
    hold_alike(range(first, first + 50))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(200, 2000, 200))
def test_the_package_finds_what_the_words_say_of_two_thousand_subjects(first: int) -> None:
    hold_alike(range(first, first + 200))


def by_pulse(chart: Chart) -> Chart:
    """Chart the respiratory rate as if it were a pulse, which has no worse onset."""
    return replace(
        chart, measured=tuple(replace(one, test=one.test.replace("RESP", "HR")) for one in chart.measured)
    )


@pytest.mark.parametrize("first", [4000, 4050])
def test_it_finds_what_they_say_of_a_test_that_cannot_worsen(first: int) -> None:
    fast = {"any_of": [{"vital": "HR", "at_least": 28, "unit": "beats/min"}, {"terms": ["DYSPNOEA"]}]}
    case = PROTOCOL.case_definition
    definition = {
        "name": case.name,
        "components": {"fever": case.components["fever"], "respiratory_distress": fast},
    }
    changed = {"case_definition": CaseDefinition.model_validate(definition)}
    hold_alike(range(first, first + 50), PROTOCOL.model_copy(update=changed), by_pulse)


# --- what does not matter -------------------------------------------------------------------------------------


def trial(first: int) -> Mapping[str, Chart]:
    """Three random subjects, looked at at one cut-off."""
    return known_at({f"S{seed}": random_subject(seed) for seed in range(first, first + 3)}, 400_000)


def found(charts: Mapping[str, Chart], findings: Findings) -> dict[str, Any]:
    return {name: package_look(findings, name) for name in charts}


@pytest.mark.parametrize("seed", FEW)
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    charts, random = trial(seed), Random(seed)
    administrations, records = tables(charts)

    def shuffled(table: pd.DataFrame) -> pd.DataFrame:
        order = list(range(len(table)))
        random.shuffle(order)
        return table.iloc[order].reset_index(drop=True)

    mixed = replace(
        records,
        measurements=shuffled(records.measurements),
        adverse_events=shuffled(records.adverse_events),
    )
    cutoff = DAY_ONE + timedelta(seconds=next(iter(charts.values())).cutoff)
    again = find_cases(shuffled(administrations), mixed, PROTOCOL, cutoff)
    assert again.cases == look_at(charts, PROTOCOL).cases
    assert found(charts, again) == found(charts, look_at(charts, PROTOCOL))


@pytest.mark.parametrize("seed", FEW)
def test_shifted_instants_shift_nothing_else(seed: int) -> None:
    charts, days = trial(seed), Random(seed).randint(-40_000, 40_000)
    here, there = look_at(charts, PROTOCOL), look_at(charts, PROTOCOL, shift=timedelta(days=days))
    assert found(charts, there) == found(charts, here)
    assert [one.dose_start - timedelta(days=days) for one in there.cases] == [
        one.dose_start for one in here.cases
    ]


@pytest.mark.parametrize("seed", FEW)
def test_other_subjects_change_nothing(seed: int) -> None:
    """Each of three subjects alone is found as it is beside the others."""
    charts = trial(seed)
    together = found(charts, look_at(charts, PROTOCOL))
    for name, chart in charts.items():
        assert found({name: chart}, look_at({name: chart}, PROTOCOL)) == {name: together[name]}


@pytest.mark.parametrize("seed", FEW)
def test_control_hours_are_judged_as_risk_hours(seed: int) -> None:
    """A control event is a case of the dose that would have been given 6.5 h before it: onsets know no dose."""
    chart = random_subject(seed)
    doses = sorted(chart.doses)
    for number, hour, definite in package_look(look_at({"S1": chart}, PROTOCOL), "S1")["control_events"]:
        before = doses[number - 1] + round((hour - 6.5) * HOUR)
        cases = package_look(look_at({"S1": replace(chart, doses=(before,))}, PROTOCOL), "S1")["cases"]
        assert any(one.hour is not None and abs(one.hour - 6.5) < 0.001 for one in cases)
        if definite:
            assert any((one.certainty, one.in_risk_window) == ("definite", "yes") for one in cases)


@pytest.mark.parametrize("seed", FEW)
def test_best_main_and_worst_case_are_in_order(seed: int) -> None:
    """Rows in quarantine add to the worst case and never to the others."""
    charts, random = trial(seed), Random(seed)
    administrations, records = tables(charts)
    readings = records.measurements
    trusted = [random.random() > 0.05 for _ in range(len(readings))]
    withheld, sound = (
        replace(records, measurements=one)
        for one in (
            readings.assign(trusted=trusted),
            readings[trusted].reset_index(drop=True),
        )
    )
    cutoff = DAY_ONE + timedelta(seconds=next(iter(charts.values())).cutoff)

    def evidence(some: Charts) -> Any:
        return gather_evidence(
            find_cases(administrations, some, PROTOCOL, cutoff), MEASUREMENTS.empty(), PROTOCOL
        )

    doubtful, alone = evidence(withheld).subjects_with_case(), evidence(sound).subjects_with_case()
    assert doubtful.best <= doubtful.main <= doubtful.worst
    assert (doubtful.best, doubtful.main) == (alone.best, alone.main)
    assert doubtful.worst >= alone.worst
