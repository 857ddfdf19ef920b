"""Unions, intersections, differences and lengths of spans, against sets of small whole instants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.cases.spans import Spans, covered, in_seconds, length_within, place, seconds_of, subtract, union

SPAN = st.tuples(st.integers(0, 30), st.integers(0, 8)).map(lambda one: (one[0], one[0] + one[1]))
ANY = st.lists(SPAN, max_size=6)


def spans(pairs):
    array = np.array(pairs, np.int64).reshape(-1, 2)
    return Spans(array[:, 0], array[:, 1])


def cells(pairs):
    return {cell for start, end in pairs for cell in range(start, end)}


def pairs_of(found):
    return list(zip(found.starts.tolist(), found.ends.tolist(), strict=True))


def is_disjoint_and_sorted(found):
    edges = [edge for pair in pairs_of(found) for edge in pair]
    return edges == sorted(edges) and len(edges) == len(set(edges))


@given(ANY)
def test_union_covers_what_any_span_covers(pairs):
    found = union(spans(pairs))
    assert cells(pairs_of(found)) == cells(pairs)
    assert is_disjoint_and_sorted(found)


@given(st.lists(ANY, min_size=1, max_size=4), st.integers(1, 4))
def test_covered_counts_the_parts_that_cover(parts, at_least):
    disjoint = [union(spans(part)) for part in parts]
    found = covered(disjoint, at_least)
    expected = {cell for cell in range(40) if sum(cell in cells(part) for part in parts) >= at_least}
    assert cells(pairs_of(found)) == expected
    assert is_disjoint_and_sorted(found)


@given(ANY, ANY)
def test_subtract_leaves_what_is_outside(kept, removed):
    found = subtract(union(spans(kept)), spans(removed))
    assert cells(pairs_of(found)) == cells(kept) - cells(removed)
    assert is_disjoint_and_sorted(found)


@given(ANY, st.lists(st.tuples(st.integers(-2, 42), st.integers(-2, 42)), min_size=1, max_size=5))
def test_length_within_counts_covered_instants(pairs, windows):
    starts, ends = (np.array(side, np.int64) for side in zip(*windows, strict=True))
    found = length_within(union(spans(pairs)), starts, ends)
    expected = [len(cells(pairs) & set(range(start, end))) for start, end in windows]
    assert found.tolist() == expected


def test_touching_spans_join():
    assert pairs_of(union(spans([(0, 5), (5, 9)]))) == [(0, 9)]


def test_a_span_of_no_length_is_no_span():
    assert pairs_of(union(spans([(3, 3)]))) == []
    assert pairs_of(subtract(spans([(0, 9)]), spans([(3, 3)]))) == [(0, 9)]


@pytest.mark.parametrize("second", [-2_208_988_800, -1, 0, 1_772_438_400, 10_413_792_000])
@pytest.mark.parametrize("code", [0, 1, 99_999])
def test_an_instant_keeps_its_subject_and_second(code, second):
    """1900-01-01, the second before and at 1970, 2026-03-02 and 2300-01-01, for few and many subjects."""
    instant = place(np.array([code]), np.array([second]))
    assert instant[0] >> 36 == code
    assert seconds_of(instant)[0] == second


def test_subjects_do_not_overlap_on_the_axis():
    """The last second of 2299 of one subject lies before the first of 1900 of the next."""
    last, first = place(np.array([4, 5]), np.array([10_413_791_999, -2_208_988_800]))
    assert last < first


@pytest.mark.parametrize(("hours", "seconds"), [(8.2, 29_520), (-6.1, -21_960), (0.25, 900)])
def test_hours_are_whole_seconds_where_their_product_falls_short_in_binary(hours, seconds):
    """8.2 times 3600 is 29519.999999999996."""
    assert in_seconds(hours) == seconds
