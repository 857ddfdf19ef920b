"""From when on a row counts: the time of receipt, and the row's own word."""

from datetime import UTC, datetime, timedelta

import pytest

from checks.errors import UsageError

AE = "USUBJID AESEQ AETERM ENTERED"


def at(day: int, hour: int = 12, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def count(deliveries, moment: datetime) -> int:
    table = deliveries.known_at(moment).feeds["ae"].table
    return len(table)


@pytest.mark.parametrize(
    ("site", "entered", "known"),
    [
        ("FR01", "2026-03-03T13:30", at(3, 12, 30)),  # Paris is an hour ahead of UTC in winter
        ("US01", "2026-03-03T13:30", at(3, 18, 30)),  # New York is five hours behind
        ("US01", "2026-03-03T13:30+01:00", at(3, 12, 30)),  # an offset in the stamp wins
        ("FR01", "2026-03-03", at(3, 22, 59) + timedelta(seconds=59)),  # entered some time that day in Paris
    ],
)
def test_a_naive_stamp_is_in_the_zone_of_the_site(study, deliver, site, entered, known) -> None:
    dm = deliver("USUBJID SITEID", ["S1", site])
    one = study(dm=[dm], ae=[deliver(AE, ["S1", "1", "RASH", entered])], known_at="entered")
    assert (count(one, known - timedelta(seconds=1)), count(one, known)) == (0, 1)


@pytest.mark.parametrize("entered", [None, "soon", "2026-13-01"])
def test_a_row_without_a_readable_word_counts_from_receipt(study, deliver, entered) -> None:
    one = study(ae=[deliver(AE, ["S1", "1", "RASH", entered], received=3)], known_at="ENTERED")
    assert one.known_at(at(3, 11)).feeds["ae"].table is None
    assert count(one, at(3)) == 1


def test_a_date_of_entry_counts_from_receipt_on_that_day(study, deliver) -> None:
    one = study(ae=[deliver(AE, ["S1", "1", "RASH", "2026-03-03"], received=3)], known_at="ENTERED")
    assert count(one, at(3)) == 1


def test_a_row_counts_only_when_its_delivery_was_received(study, deliver) -> None:
    rows = ["S1", "1", "RASH", "2026-03-01"], ["S1", "2", "RASH", "2026-03-06T12:00Z"]
    one = study(ae=[deliver(AE, *rows, received=5)], known_at="ENTERED")
    assert one.known_at(at(4)).feeds["ae"].table is None
    told = one.known_at(at(5)).feeds["ae"]
    assert (len(told.table), told.not_yet_known) == (1, 1)
    assert count(one, at(6)) == 2


def test_a_correction_entered_later_does_not_hide_what_was_known(study, deliver) -> None:
    before = deliver(AE, ["S1", "1", "RASH", "2026-03-01T09:00Z"], received=2)
    after = deliver(AE, ["S1", "1", "FEVER", "2026-03-05T09:00Z"], received=3)
    one = study(ae=[before, after], known_at="ENTERED")
    assert list(one.known_at(at(4)).feeds["ae"].table["AETERM"]) == ["RASH"]
    assert one.known_at(at(4)).changes.empty
    assert list(one.known_at(at(5)).feeds["ae"].table["AETERM"]) == ["FEVER"]
    assert len(one.known_at(at(5)).changes) == 1


def test_a_fraction_of_a_second_is_not_known_before(study, deliver) -> None:
    file = deliver(AE, ["S1", "1", "RASH", None], received=3)
    late = file.delivery.received_at + timedelta(microseconds=1)
    one = study(ae=[type(file)(type(file.delivery)("a", "a", 1, late), file.table)])
    assert one.known_at(at(3)).feeds["ae"].table is None
    assert count(one, at(3) + timedelta(seconds=1)) == 1


def test_a_cutoff_without_an_offset_is_refused(study) -> None:
    with pytest.raises(UsageError, match="allowed: a time with an offset from UTC"):
        study().known_at(datetime(2026, 3, 1))
