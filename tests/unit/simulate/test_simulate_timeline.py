"""Minutes become the stamps that a site at that place would write."""

from datetime import datetime

import pytest

from flows.simulate.timeline import from_local, local_date, local_stamp, local_stamps, to_local, utc_stamps

DAY = 24 * 60


@pytest.mark.parametrize(
    ("minute", "zone", "stamp"),
    [
        (0, "Europe/Paris", "2024-09-01T02:00"),  # summer: UTC+2
        (0, "America/New_York", "2024-08-31T20:00"),  # UTC-4, the day before
        (0, "America/Chicago", "2024-08-31T19:00"),  # UTC-5
        (56 * DAY + 30, "Europe/Paris", "2024-10-27T02:30"),  # the first 02:30 of 27 October
        (56 * DAY + 90, "Europe/Paris", "2024-10-27T02:30"),  # and the second
        (210 * DAY + 59, "Europe/Paris", "2025-03-30T01:59"),
        (210 * DAY + 60, "Europe/Paris", "2025-03-30T03:00"),  # 02:00 to 02:59 never happen
    ],
)
def test_local_stamps(minute, zone, stamp):
    assert local_stamp(minute, zone) == stamp
    assert local_stamps([minute], zone) == [stamp]
    assert local_date(minute, zone) == stamp[:10]


def test_utc_stamps_carry_their_zone():
    assert utc_stamps([0, 61]) == ["2024-09-01T00:00Z", "2024-09-01T01:01Z"]


def test_a_local_moment_returns_to_itself():
    moment = datetime(2025, 1, 15, 9, 45)
    assert to_local(from_local(moment, "America/Chicago"), "America/Chicago") == moment
