"""A measurement without an instant that begins nothing: the words find no onset wherever in its stamp it was."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from words.charted import HOUR, Chart, Component
from words.made_up import random_subject
from words.onsets import measured_onsets
from words_in_tables import at, definition_of, tables, usual_protocol

from checks.cases.components import measure
from checks.cases.spans import seconds_of
from checks.cases.untimed_measurements import untimed_measurements

PROTOCOL = usual_protocol()
DEFINITION = definition_of(PROTOCOL)


def begins_nothing(chart: Chart, component: Component, places: Sequence[int], first: int, last: int) -> bool:
    """Whether the package says so of these measurements, were this their stamp."""
    part = PROTOCOL.case_definition.components[component.name]
    charts = tables({"S": chart})[1]
    rows = charts.measurements
    coarse = rows["sequence"].isin([str(place + 1) for place in places])
    stamped = rows.assign(
        earliest=rows["earliest"].mask(coarse, at(first)), latest=rows["latest"].mask(coarse, at(last))
    )
    cutoff = at(chart.cutoff).to_pydatetime()
    timed = measure(part, rows[~coarse], charts.known, PROTOCOL, cutoff, doubtful=False)
    (found,) = untimed_measurements(part, timed, replace(charts, measurements=stamped)).get(0, [None])
    return found is not None and found.onset is None


def without_instant(chart: Chart) -> Iterator[tuple[Sequence[int], int, int]]:
    """Yield one or two measurements in a row of a test, by their places, and a stamp that holds them."""
    for place, one in enumerate(chart.measured):
        later = [
            other for other in range(place + 1, len(chart.measured)) if chart.measured[other].test == one.test
        ]
        for places in ([place], [place, *later[:1]]):
            instants = [chart.measured[each].at for each in places]
            if instants[-1] - instants[0] <= 2 * HOUR:
                yield places, instants[0] - HOUR, instants[-1] + HOUR // 2


def first_seen(chart: Chart, component: Component) -> set[int]:
    return {one.first_seen for one in measured_onsets(chart, component, DEFINITION)[1]}


def wherever(chart: Chart, places: Sequence[int], first: int, last: int) -> Iterator[Chart]:
    """Yield the chart with these measurements at every half hour of a stamp."""
    rest = [one for place, one in enumerate(chart.measured) if place not in places]
    for instants in product(range(first, last + 1, HOUR // 2), repeat=len(places)):
        moved = [
            replace(chart.measured[place], at=when) for place, when in zip(places, instants, strict=True)
        ]
        yield replace(chart, measured=tuple(sorted([*rest, *moved], key=lambda one: (one.at, one.test))))


def of_the_hour(chart: Chart, component: Component) -> tuple[set[int], int]:
    """The hours that may be of an onset were every stamp the hour alone, and the number of those that are not."""
    part = PROTOCOL.case_definition.components[component.name]
    charts = tables({"S": chart})[1]
    hour = charts.measurements["earliest"].dt.floor("h")
    rows = charts.measurements.assign(earliest=hour, latest=hour + pd.Timedelta(hours=1, seconds=-1))
    cutoff = at(chart.cutoff).to_pydatetime()
    timed = measure(part, rows[:0], charts.known, PROTOCOL, cutoff, doubtful=False)
    found = untimed_measurements(part, timed, replace(charts, measurements=rows)).get(0, [])
    begun = [one.onset for one in found if one.onset is not None]
    hours = {int(seconds_of(np.array(one.latest)) - at(0).timestamp()) // HOUR for one in begun}
    return hours, len(found) - len(begun)


@pytest.mark.parametrize("first", [5000, 5020])
def test_where_the_hour_alone_is_charted_every_onset_lies_in_a_stamp_that_may_be_one(first: int) -> None:
    going_on = 0
    for seed in range(first, first + 20):
        chart = random_subject(seed)
        for component in DEFINITION.components:
            hours, number = of_the_hour(chart, component)
            going_on += number
            onsets = measured_onsets(chart, component, DEFINITION)[1]
            assert {one.first_seen // HOUR for one in onsets} <= hours, (seed, component.name)
    assert going_on


@pytest.mark.parametrize("seed", [5007, 5019, 5022, 5024, 5025, 5054])  # charts in which some begin nothing
def test_what_can_only_go_on_begins_nothing_wherever_it_was(seed: int) -> None:
    chart, found = random_subject(seed), 0
    for component in DEFINITION.components:
        for places, first, last in without_instant(chart):
            rest = replace(
                chart, measured=tuple(o for place, o in enumerate(chart.measured) if place not in places)
            )
            course, onsets = measured_onsets(rest, component, DEFINITION)
            held = any(one.start <= first and one.gone > last for one in course.presences)
            if held and begins_nothing(chart, component, places, first, last):
                found += 1
                known = {one.first_seen for one in onsets}
                for whole in wherever(chart, places, first, last):
                    assert first_seen(whole, component) <= known, (component.name, places)
    assert found
