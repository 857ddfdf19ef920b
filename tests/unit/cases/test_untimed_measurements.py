"""What measurements without an instant may show: by hand; saturation stays fresh for 6 h, respiration as well."""

from collections.abc import Mapping

import pandas as pd
import pytest
from charts_by_hand import DAY, DISTRESS, HOUR, KNOWN, LATER, events, hours_of, measurements, protocol

from checks.cases import Charts
from checks.cases.components import measure
from checks.cases.series import NEVER
from checks.cases.untimed_measurements import untimed_measurements

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
    assert not any(one.onset.definite or one.onset.instant for one in found)
    return [
        (
            *hours_of([one.onset.earliest, one.onset.latest, one.present[0]]),
            None if one.present[1] == NEVER else hours_of([one.present[1]])[0],
            one.onset.evidence,
        )
        for one in found
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
