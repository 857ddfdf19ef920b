"""Offsets that the clocks of a site never have."""

import pandas as pd
import pytest

from checks.instants import parse_stamps
from checks.validation.zones import FOREIGN, mark_foreign


@pytest.mark.parametrize(
    ("stamp", "zone", "foreign"),
    [
        ("2024-06-10T08:00:00+02:00", "Europe/Paris", False),
        ("2024-06-10T08:00:00+01:00", "Europe/Paris", False),  # its winter's, all year, as some devices keep
        ("2024-06-10T08:00+0200", "Europe/Paris", False),
        ("2024-06-10T08:00:00-04:00", "Europe/Paris", True),
        ("2024-06-10T08:00:00+04:00", "America/New_York", True),  # the sign
        ("2024-06-10T08:00:00+05:30", "Asia/Kolkata", False),
        ("2024-06-10T08:00:00+00:00", "America/New_York", False),  # UTC
        ("2024-06-10T08:00:00Z", "America/New_York", False),
        ("2024-06-10T08:00", "America/New_York", False),
        ("", "America/New_York", False),
    ],
)
def test_an_offset_is_one_of_the_site_or_is_named(stamp: str, zone: str, foreign: bool) -> None:
    stamps, zones = (pd.Series([one or pd.NA], dtype="str") for one in (stamp, zone))
    spans = parse_stamps(stamps, zones)
    marked = mark_foreign(spans, stamps, zones)
    assert (marked["note"].iloc[0] == FOREIGN) is foreign
    pd.testing.assert_frame_equal(marked.drop(columns="note"), spans.drop(columns="note"))
