"""The scan: the window they report, reproducibility, and messages."""

import math

import pytest

from checks.errors import DesignError
from checks.statistics.timing.scan import scan

DAY = [(0.0, 48.0)]


def test_a_planted_cluster_is_found():
    events = [[5.5], [6.0], [6.5, 30.0], [], [20.0]]
    found = scan(events, [DAY] * 5, seed=1)
    assert found.window_hours == (5.5, 6.5)
    assert found.events_in_window == 3
    assert found.expected_in_window == pytest.approx(5 * 1 / 48)
    mu = 5 / 48
    assert found.statistic == pytest.approx(3 * math.log(3 / mu) + 2 * math.log(2 / (5 - mu)))
    # three of five within an hour of 48: about C(5, 3) 3 / 48^2 = 0.013; four or five in more add to it
    assert 0.012 < found.p_value < 0.03
    assert found.p_value == scan(events, [DAY] * 5, seed=1).p_value
    assert found.p_value == scan(events, [DAY] * 5, seed=1).p_value != scan(events, [DAY] * 5, seed=2).p_value


def test_the_smallest_p_value_is_one_over_the_permutations_and_one():
    found = scan([[6.0]] * 8, [DAY] * 8, seed=1, permutations=99)
    assert found.p_value == 0.01


@pytest.mark.parametrize("events", [[], [[]], [[3.0]], [[3.0], []]])
def test_too_few_events_make_no_cluster(events):
    found = scan(events, [DAY] * len(events), seed=1, permutations=9)
    assert (found.window_hours, found.statistic, found.p_value) == (None, 0.0, 1.0)


def test_unobserved_hours_expect_nothing_but_make_no_cluster():
    """Two events at the last minute before a gap: the window reaches into hours nobody observed."""
    spans = [(0.0, 10.0), (20.0, 40.0)]
    found = scan([[10.0], [10.0]], [spans] * 2, seed=1, permutations=9)
    assert found.expected_in_window == pytest.approx(2 * 1 / 30)
    assert math.isfinite(found.statistic)


def test_the_least_width_is_kept():
    events = [[5.0], [5.1], [9.0], [9.9]]
    wide = scan(events, [DAY] * 4, seed=1, permutations=9, min_width=6.0)
    assert wide.window_hours == (5.0, 11.0)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([[1.0]], []), {}, "observed: found '0 subjects'; allowed: 1, as event_hours"),
        (
            ([[50.0]], [DAY]),
            {},
            "event_hours of subject 1: found 50.0; allowed: an hour within ((0.0, 48.0),)",
        ),
        (
            ([[]], [[(5, 5)]]),
            {},
            "observed: found ((5.0, 5.0),); allowed: spans of hours that end after they start",
        ),
        (([[]], [DAY]), {"min_width": 0}, "min_width: found 0; allowed: a finite number above 0"),
        (([[]], [DAY]), {"permutations": 0}, "permutations: found 0; allowed: a whole number, 1 or more"),
    ],
)
def test_impossible_input_is_named(arguments, options, message):
    with pytest.raises(DesignError) as error:
        scan(*arguments, seed=1, **options)
    assert str(error.value) == message


def test_where_spans_overlap_an_event_is_so_much_the_likelier():
    """Twelve hours of which four lie between 4 and 6: two events are expected there to 2 * 2 / 12 an hour."""
    found = scan([[4.0], [5.0]], [[(0.0, 10.0), (4.0, 6.0)]] * 2, seed=1, permutations=9)
    assert (found.window_hours, found.events_in_window) == ((4.0, 5.0), 2)
    assert found.expected_in_window == pytest.approx(1 / 3)
