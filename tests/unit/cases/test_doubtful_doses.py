"""Cases under a dose that may be the administration before, going on."""

from pathlib import Path

import pandas as pd
import pytest

from checks.cases import Charts
from checks.cases.case_finding import find_cases
from checks.protocol import load_protocol
from checks.tables import ADMINISTRATIONS, ADVERSE_EVENTS, MEASUREMENTS

PROTOCOL = load_protocol(Path(__file__).parents[2] / "fixtures" / "protocols" / "good.yaml")
DAY = pd.Timestamp("2026-03-02", tz="UTC")
ILL = {"TEMP": (37.0, 39.0), "OXYSAT": (97.0, 85.0)}


def at(hour):
    return DAY + pd.Timedelta(hours=hour)


def table(contract, rows):
    return contract.conform(pd.DataFrame(rows, columns=list(contract.columns)))


def case_at(begins, doses):
    """Return the case of a subject whose fever and distress begin at an hour, charted every half hour."""
    given = [("S", str(hour), at(hour), at(hour), None, None, None, True) for hour in doses]
    readings = [
        (
            "VS",
            "S",
            f"{test}-{half}",
            test,
            values[half / 2 >= begins],
            None,
            "",
            None,
            at(half / 2),
            at(half / 2),
            True,
        )
        for test, values in ILL.items()
        for half in range(-24, 96)
    ]
    charts = Charts(table(MEASUREMENTS, readings), ADVERSE_EVENTS.empty(), pd.Index(["S"]))
    (case,) = find_cases(table(ADMINISTRATIONS, given), charts, PROTOCOL, at(200).to_pydatetime()).cases
    return case.dose_number, case.hour, case.in_risk_window, case.surely


@pytest.mark.parametrize(
    ("doses", "told"),
    [
        ([14], (1, 6.25, "yes", True)),
        ([0, 14], (2, 6.25, "yes", True)),
        # every two hours from hour 0: the seventh row after the first would make the administration last 14 h
        (range(0, 16, 2), (2, 6.25, "yes", False)),
    ],
)
def test_a_case_is_not_surely_in_the_window_of_a_dose_that_may_be_none(doses, told):
    assert case_at(20.5, doses) == told
