"""What measurements without an instant may show: by hand; saturation stays fresh for 6 h, respiration as well."""

from collections.abc import Mapping, Sequence

import pandas as pd
import pytest
from charts_by_hand import DAY, DISTRESS, HOUR, KNOWN, LATER, events, hours_of, measurements, protocol

from checks.cases import Charts
from checks.cases.components import measure
from checks.cases.series import NEVER
from checks.cases.untimed_measurements import Untimed, untimed_measurements

STUDY = protocol(distress=DISTRESS)
COMPONENT = STUDY.case_definition.components["distress"]


def shown(charted: Mapping[str, str], stamp: tuple[float, float], *labels: str) -> list[tuple[object, ...]]:
    """Return each onset and presence that the rows with these labels may show, were their stamp these hours."""
    rows = measurements(charted)
    coarse = rows["sequence"].isin(labels)
    for name, hour in zip(("earliest", "latest"), stamp, strict=True):
        rows[name] = rows[name].mask(coarse, DAY + pd.Timedelta(seconds=round(hour * HOUR)))
    charts = Charts(rows, events(), KNOWN)
    measured = measure(COMPONENT, rows[~coarse], KNOWN, STUDY, LATER.to_pydatetime(), doubtful=False)
    found = untimed_measurements(COMPONENT, measured, charts).get(0, [])
    begun = [(one, one.onset) for one in found if one.onset is not None]
    assert not any(onset.definite or onset.instant for _, onset in begun)
    return [
        (
            *hours_of([onset.earliest, onset.latest, one.present[0]]),
            None if one.present[1] == NEVER else hours_of([one.present[1]])[0],
            onset.evidence,
        )
        for one, onset in begun
    ]


@pytest.mark.parametrize(
    ("charted", "expected"),
    [
        # it began after the test's last value before, and may last until the next
        ({"OXYSAT": "2 97, 10 85, 26 97"}, [(2, 24, 4, 26, ("VS:VSSEQ=OXYSAT2",))]),
        # another test's values say nothing of it: no value before, as long as one stays fresh
        ({"OXYSAT": "30 97, 10 85", "RESP": "2 18, 26 18"}, [(-2, 24, 4, 30, ("VS:VSSEQ=OXYSAT2",))]),
        # a normal one shows nothing
        ({"OXYSAT": "2 97, 10 95, 26 97"}, []),
    ],
)
def test_a_measurement_without_an_instant_may_be_an_onset_at_any_time_of_its_stamp(charted, expected):
    assert shown(charted, (4, 24), "OXYSAT2") == expected


def test_rows_of_one_stamp_are_one_onset():
    charted = {"OXYSAT": "3 97, 10 85, 26 97", "RESP": "2 18, 10 32"}
    expected = [(2, 24, 4, None, ("VS:VSSEQ=OXYSAT2", "VS:VSSEQ=RESP2"))]
    assert shown(charted, (4, 24), "OXYSAT2", "RESP2") == expected


ILL = "0 97, 2 86, 3 86, 4 {}, 6 86, 7 97, 8 97"
"""Present from hour 2 to 7; the fourth is that without an instant."""


@pytest.mark.parametrize(
    ("charted", "stamp", "begins"),
    [
        ({"OXYSAT": ILL.format(85)}, (3.5, 5.5), False),
        # it may have been before the component was present, or when it was gone
        ({"OXYSAT": ILL.format(85)}, (1.5, 5.5), True),
        ({"OXYSAT": ILL.format(85)}, (3.5, 7), True),
        # 4 below those about it it may be worse; after a milder one the next may be
        ({"OXYSAT": ILL.format(82)}, (3.5, 5.5), True),
        ({"OXYSAT": ILL.format(89).replace("6 86", "6 85")}, (3.5, 5.5), True),
        # without a number it may be anything
        ({"OXYSAT": ILL.format("nan")}, (3.5, 5.5), True),
        # another test shows the component present
        ({"RESP": "1 24, 2 25, 3 24, 4 31, 8 24", "OXYSAT": ILL.format(86)}, (3.5, 5.5), False),
        # a single one that stands says nothing of the next of its test, six hours later
        ({"OXYSAT": "0 97, 1 97, 2 86, 10 85, 26 97"}, (8, 12), True),
    ],
)
def test_one_is_no_onset_where_the_component_is_present_all_along_and_no_worse(charted, stamp, begins):
    assert bool(shown(charted, stamp, f"{next(iter(charted))}4")) == begins


def test_one_is_an_onset_where_another_without_an_instant_may_have_ended_what_was_present():
    charted = {"OXYSAT": ILL.format("85, 5 97")}
    assert shown(charted, (3.5, 5.5), "OXYSAT4", "OXYSAT5")


@pytest.mark.parametrize(
    ("charted", "begins"),
    [
        ({"OXYSAT": "0 97, 1 86, 2 86, 3 87, 4 97"}, ["OXYSAT2"]),
        # after a normal one it may be new, 4 lower worse, and five hours later nobody knows of a run
        ({"OXYSAT": "0 97, 1 86, 2 90, 3 87"}, ["OXYSAT2", "OXYSAT4"]),
        ({"OXYSAT": "0 97, 1 86, 2 82, 3 82"}, ["OXYSAT2", "OXYSAT3"]),
        ({"OXYSAT": "0 97, 1 86, 5 86"}, ["OXYSAT2", "OXYSAT3"]),
        # of two in one hour nobody knows which was first
        ({"OXYSAT": "0 97, 1 86, 2 86, 2.5 97"}, ["OXYSAT2", "OXYSAT3"]),
        # another test's may be worse, though this one goes on
        ({"OXYSAT": "0 97, 1 86, 2 86", "RESP": "1 20, 2 31"}, ["OXYSAT2", "OXYSAT3"]),
    ],
)
def test_where_the_hour_alone_is_charted_one_that_goes_on_in_a_run_is_no_onset(charted, begins):
    rows = measurements(charted)
    hour = rows["earliest"].dt.floor("h")
    rows = rows.assign(earliest=hour, latest=hour + pd.Timedelta(hours=1, seconds=-1))
    measured = measure(COMPONENT, rows[:0], KNOWN, STUDY, LATER.to_pydatetime(), doubtful=False)
    found = untimed_measurements(COMPONENT, measured, Charts(rows, events(), KNOWN))[0]
    assert told_by(found) == begins


def test_one_may_be_an_onset_after_a_normal_one_that_has_an_instant():
    rows = measurements({"OXYSAT": "0 97, 1 86, 2.5 90, 3 87"})
    rows["latest"] += pd.to_timedelta([0, 3599, 0, 3599], unit="s")
    exact = rows[rows["earliest"] == rows["latest"]]
    measured = measure(COMPONENT, exact, KNOWN, STUDY, LATER.to_pydatetime(), doubtful=False)
    found = untimed_measurements(COMPONENT, measured, Charts(rows, events(), KNOWN))[0]
    assert told_by(found) == ["OXYSAT2", "OXYSAT4"]


def told_by(found: Sequence[Untimed]) -> list[str]:
    return [one.onset.evidence[0].removeprefix("VS:VSSEQ=") for one in found if one.onset is not None]
