"""Measurements in series: those of one test of one subject, one after the other, for all subjects at once.

Several measurements of one test of one subject at one instant are one entry of its series. Entries are ordered by
series and time, so that "next", "before" and "in a row" are neighbours in an array.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.cases.spans import SECONDS_BITS, Instants, place, seconds, subject_codes
from checks.criteria import Amounts, Measured

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
Test = tuple[str, str]
"""The domain and the code of a test."""

LONG_AGO = np.iinfo(np.int64).min
NEVER = np.iinfo(np.int64).max


def named_tests(criteria: Iterable[Measured]) -> tuple[Test, ...]:
    """Return the distinct tests of the criteria, sorted."""
    return tuple(sorted({criterion.test for criterion in criteria}))


def is_of(measurements: pd.DataFrame, test: Test) -> Flags:
    """Return which measurements are of a test, by its domain and code."""
    domain, code = test
    return ((measurements["domain"] == domain) & (measurements["test"] == code)).to_numpy(bool)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of measurements of some tests that have an instant, ordered by series and time.

    ``kinds`` are places in the tuple of tests; ``axis`` are instants on the axis that all subjects share; ``numbers``
    are row numbers of the table of measurements. Of withheld rows, and of numbers that fit another unit,
    ``perhaps_abnormal`` says where they cannot be ruled out.
    """

    kinds: Places
    axis: Instants
    values: Values
    upper_limits: Values
    numbers: Places
    perhaps_abnormal: Flags

    def take(self, keep: Flags | Places) -> "Rows":
        """Return the rows where ``keep`` holds, or at those places."""
        return Rows(*(getattr(self, column.name)[keep] for column in fields(self)))


def rows_of(
    measurements: pd.DataFrame, known: pd.Index, criteria: Sequence[Measured], *, doubtful: bool
) -> Rows:
    """Return the rows that the criteria can judge, of subjects that are known.

    Parameters
    ----------
    measurements
        The table ``MEASUREMENTS``.
    known
        The subjects, in the order of their codes.
    criteria
        Of one component.
    doubtful
        Whether a row that no criterion of its test can judge stays, as one that may be abnormal, and so one whose
        number would be abnormal in another unit that it fits.
    """
    tests = named_tests(criteria)
    instant = (measurements["earliest"] == measurements["latest"]).to_numpy()
    kinds = np.full(len(measurements), -1)
    for kind, test in enumerate(tests):
        kinds[is_of(measurements, test)] = kind
    asked = np.flatnonzero(instant & (kinds >= 0))
    chosen = measurements.iloc[asked]
    codes = subject_codes(chosen["USUBJID"], known)
    limits = chosen["upper_limit"].to_numpy()
    values, others = (Amounts(chosen[name].to_numpy(), limits) for name in ("value", "alternative"))
    judged, perhaps = np.ones(len(asked), bool), np.zeros(len(asked), bool)
    for criterion in criteria:
        mine = kinds[asked] == tests.index(criterion.test)
        judged &= ~mine | criterion.comparable(values)
        perhaps |= mine & (criterion.within_bound(others) | ~criterion.comparable(values))
    rows = Rows(
        kinds[asked],
        place(codes, seconds(chosen["earliest"])),
        values.values,
        limits,
        chosen.index.to_numpy(),
        perhaps & doubtful,
    )
    rows = rows.take(np.flatnonzero((codes >= 0) & (judged | doubtful)))
    return rows.take(np.lexsort((rows.numbers, rows.axis, rows.kinds, rows.axis >> SECONDS_BITS)))


@dataclass(frozen=True, slots=True)
class Series:
    """Entries of the series of one component, ordered by subject, test and time.

    ``first_row`` is where the rows of an entry begin among the component's ``rows``; ``last`` says that no entry
    of the same series follows. ``lows``, ``medians`` and ``highs`` are of the entry's values.
    """

    kinds: Places
    axis: Instants
    first_row: Places
    lows: Values
    medians: Values
    highs: Values
    last: Flags
    rows: Rows

    def __len__(self) -> int:
        return len(self.axis)

    @property
    def first(self) -> Flags:
        """Whether no entry of the same series comes before."""
        return np.concatenate([[True], self.last[:-1]])[: len(self)]

    @property
    def to_next(self) -> Places:
        """Seconds to the next entry of the same series; beyond any limit where none follows."""
        return np.where(self.last, NEVER, np.diff(self.axis, append=0))

    @property
    def since_previous(self) -> Places:
        """Seconds since the entry before in the same series; beyond any limit where there is none."""
        return np.where(self.first, NEVER, np.diff(self.axis, prepend=0))

    @property
    def line(self) -> Instants:
        """The instants with every series, not only every subject, on a stretch of its own: ascending."""
        number = np.cumsum(self.first) - 1
        return (number << SECONDS_BITS) + (self.axis & ((1 << SECONDS_BITS) - 1))


def series_of(rows: Rows) -> Series:
    """Return the series of rows that are ordered by series and time."""
    series = ((rows.axis >> SECONDS_BITS) << 8) + rows.kinds
    changes = (np.diff(series) != 0) | (np.diff(rows.axis) != 0)
    first_row = np.flatnonzero(np.concatenate([[True], changes])[: len(series)])
    lows, medians, highs = _summaries(rows.values, first_row)
    own = series[first_row]
    return Series(
        rows.kinds[first_row],
        rows.axis[first_row],
        first_row,
        lows,
        medians,
        highs,
        np.concatenate([np.diff(own) != 0, [True]])[: len(own)],
        rows,
    )


def _summaries(values: Values, first_row: Places) -> tuple[Values, Values, Values]:
    """Return the lowest, median and highest value of each entry; nearly all have one row."""
    if len(first_row) == len(values):
        return values, values, values
    owner = np.repeat(np.arange(len(first_row)), np.diff(first_row, append=len(values)))
    lows, highs = np.fmin.reduceat(values, first_row), np.fmax.reduceat(values, first_row)
    return lows, medians_by(owner, values, len(first_row)), highs


def medians_by(owner: Places, values: Values, number: int) -> Values:
    """Return the median of the values of each of ``number`` owners, nan where it has none."""
    known = ~np.isnan(values)
    owner, values = owner[known], values[known]
    ranked = values[np.lexsort((values, owner))]
    counts = np.bincount(owner, minlength=number)
    begin, some = np.cumsum(counts) - counts, counts > 0
    medians = np.full(number, np.nan)
    low, high = (begin + (counts - 1) // 2)[some], (begin + counts // 2)[some]
    medians[some] = (ranked[low] + ranked[high]) / 2
    return medians


def trailing_medians(series: Series, asked: Places, span: int) -> Values:
    """Return the median of each asked entry's series in the ``span`` seconds before it, nan where it has none."""
    line = series.line
    begins = np.maximum.accumulate(np.where(series.first, np.arange(len(series)), 0))
    first = np.maximum(np.searchsorted(line, line[asked] - span), begins[asked])
    owner, offset = spread(asked - first)
    return medians_by(owner, series.medians[first[owner] + offset], len(asked))


def spread(counts: Places) -> tuple[Places, Places]:
    """Return, for ranges of the given lengths laid end to end, each element's range and its place in it."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
