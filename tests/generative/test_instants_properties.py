"""Properties of stamps, against the standard library's own reading of the same times."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.instants import parse_stamps

ZONES = ("Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Tokyo", "UTC")
FORMS = ("%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")

moments = st.datetimes(datetime(1971, 1, 1), datetime(2299, 12, 31)).map(
    lambda one: one.replace(microsecond=0)
)
stamped = st.lists(st.tuples(moments, st.sampled_from(ZONES)), min_size=1, max_size=20)


@settings(max_examples=100, deadline=None)
@given(stamped)
def test_a_full_stamp_spans_what_the_standard_library_says_of_both_folds(
    rows: list[tuple[datetime, str]],
) -> None:
    stamps = pd.Series([moment.isoformat() for moment, _ in rows])
    parsed = parse_stamps(stamps, pd.Series([zone for _, zone in rows]))
    for (moment, zone), earliest, latest in zip(rows, parsed["earliest"], parsed["latest"], strict=True):
        folds = [moment.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1)]
        assert (earliest, latest) == (min(folds), max(folds))


@settings(max_examples=100, deadline=None)
@given(moments, st.sampled_from(ZONES))
def test_a_coarser_stamp_spans_the_finer_one(moment: datetime, zone: str) -> None:
    parsed = parse_stamps(pd.Series([moment.strftime(form) for form in FORMS]), zone)
    to_minute = parsed.iloc[4]["latest"] + timedelta(
        seconds=moment.second
    )  # a minute is charted as an instant
    assert parsed["earliest"].is_monotonic_increasing
    assert parsed["latest"].iloc[:5].is_monotonic_decreasing
    assert parsed.iloc[5]["latest"] == to_minute


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(alphabet="0123456789-T:Z+. ", max_size=25), min_size=1, max_size=20), st.randoms())
def test_order_changes_nothing_and_a_span_or_a_problem_is_always_given(texts: list[str], random) -> None:
    stamps = pd.Series(texts, dtype="str")
    parsed = parse_stamps(stamps, "Europe/Paris")
    assert (parsed["problem"].isna() == parsed["earliest"].notna()).all()
    assert (parsed["latest"] >= parsed["earliest"]).eq(parsed["problem"].isna()).all()
    shuffled = random.sample(range(len(texts)), len(texts))
    again = parse_stamps(stamps.iloc[shuffled], "Europe/Paris")
    pd.testing.assert_frame_equal(again.sort_index(), parsed)


@settings(max_examples=50, deadline=None)
@given(moments, st.integers(-14 * 60, 14 * 60))
def test_an_offset_shifts_a_stamp_by_itself(moment: datetime, minutes: int) -> None:
    sign = "-" if minutes < 0 else "+"
    offset = f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    parsed = parse_stamps(pd.Series([moment.isoformat() + offset]), "Asia/Tokyo").iloc[0]
    assert parsed["earliest"] == pd.Timestamp(moment, tz="UTC") - pd.Timedelta(minutes=minutes)
