"""Every row of two tables computed with the R package clinfun 1.1.5 (R 4.2.2), for the boundaries it prints.

clinfun prints the largest acceptable number of events, one below the fewest that cross. pcross is the
probability of ever crossing, pstop that of crossing before the last look, ess the mean number of subjects.
"""

import pytest
from independent.tables import rows_of

from checks.statistics.boundaries import CountBoundary, operating_characteristics

TOLERANCE = 1e-9


def boundary_of(looks, acceptable):
    return CountBoundary(n_max=looks[-1], looks=tuple(looks), events=tuple(r + 1 for r in acceptable))


def crossing_stopping_size(looks, acceptable, rate):
    known = operating_characteristics(boundary_of(looks, acceptable), [rate])
    return known.reject_probability[0], known.reject_by_look[0, :-1].sum(), known.expected_n[0]


def whole(text):
    return [int(value) for value in text.split()]


def printed(row, side):
    return [float(row[f"{name}{side}"]) for name in ("pcross", "pstop", "ess")]


def test_every_row_of_toxbdry(capsys):
    matched = excepted = 0
    for row in rows_of("clinfun_toxbdry.csv"):
        looks, rate = whole(row["looks"]), float(row["ptox"])
        low = crossing_stopping_size(looks, whole(row["lo_bdry_max_acceptable"]), rate)
        high = crossing_stopping_size(looks, whole(row["hi_bdry_max_acceptable"]), rate)
        assert low == pytest.approx(printed(row, "_lo"), abs=TOLERANCE), row["call"]
        if not row["exact_hi"]:
            assert high == pytest.approx(printed(row, "_hi"), abs=TOLERANCE), row["call"]
            matched += 1
            continue
        # Defect of the source: it prints the high boundary beside the characteristics of another one. The
        # right probability of crossing is by an independent recursion, and is told in the row.
        assert row["call"] == "toxbdry(0.1, 0.3, 2:15, cP0=0.1, cP1=0.8, delta=0.25)"
        exact = float(row["exact_hi"])
        assert high[0] == pytest.approx(exact, abs=TOLERANCE)
        assert abs(high[0] - float(row["pcross_hi"])) > 0.08
        excepted += 1
    with capsys.disabled():
        covered = matched + excepted
        print(f"\nclinfun_toxbdry.csv: {covered} rows covered, {matched} matched, {excepted} excepted")
    assert (matched, excepted) == (342, 6)


def test_every_row_of_bdrycross(capsys):
    rows = rows_of("clinfun_bdrycross.csv")
    for row in rows:
        acceptable = [1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4]  # as the call in the row says
        assert "r=c(1,1,1,2,2,2,2,3,3,3,3,3,4,4)" in row["call"]
        found = crossing_stopping_size(range(2, 16), acceptable, float(row["ptox"]))
        assert found == pytest.approx(printed(row, ""), abs=TOLERANCE)
    with capsys.disabled():
        print(f"\nclinfun_bdrycross.csv: {len(rows)} rows covered, {len(rows)} matched, 0 excepted")
    assert len(rows) == 4


def test_extract():
    # clinfun::bdrycross.prob(n=2:15, r=c(1,1,1,2,2,2,2,3,3,3,3,3,4,4), ptox=0.3)
    found = crossing_stopping_size(range(2, 16), [1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4], 0.3)
    assert found == pytest.approx((0.6693909685704, 0.655662671469, 9.123496341171), abs=1e-12)


def test_right_value_where_the_source_prints_another_boundary():
    # clinfun::toxbdry(0.1, 0.3, 2:15, cP0=0.1, cP1=0.8, delta=0.25) prints 0.7507 for this boundary at 0.3
    crossing, _, _ = crossing_stopping_size(range(2, 16), [2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5], 0.3)
    assert crossing == pytest.approx(0.334573055931, abs=1e-12)


def test_one_look_is_the_binomial_tail():
    # R: pbinom(2, 15, c(.02, .05, .10, .15, .20), lower.tail=FALSE), to three places
    boundary = CountBoundary(n_max=15, looks=(15,), events=(3,))
    known = operating_characteristics(boundary, [0.02, 0.05, 0.10, 0.15, 0.20])
    assert known.reject_probability == pytest.approx([0.0030, 0.036, 0.184, 0.396, 0.602], abs=5e-4)
