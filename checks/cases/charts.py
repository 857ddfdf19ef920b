"""The subjects' charts: their measurements and adverse events, and the measurements laid on the shared axis."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from checks.cases.dose_windows import seconds, subject_codes
from checks.cases.measured_onsets import Extremes, Flags, Measurements, Test
from checks.cases.spans import Instants, place

GRADES = ("MILD", "MODERATE", "SEVERE", "1", "2", "3", "4", "5")
"""From the lowest: severity in the words of AESEV (CDISC codelist C66769), then the grades of AETOXGR (CTCAE 1 to 5).

Any grade is preferred to any word: the two are not one scale.
"""


@dataclass(frozen=True, slots=True)
class Charts:
    """The subjects' measurements and adverse events that one pass over the anchors may use.

    Those measurements that the case definition does not ask for are left out by ``of_tests``.

    ``at_widest`` takes each time that is not known to the instant to be whichever makes a case.
    """

    measurements: pd.DataFrame
    adverse_events: pd.DataFrame
    known: pd.Index
    at_widest: bool = False

    @property
    def any_withheld(self) -> bool:
        """Whether a quarantined row is in the charts."""
        return not (self.measurements["trusted"].all() and self.adverse_events["trusted"].all())

    def without_instant(self, terms: frozenset[str]) -> frozenset[str]:
        """Return the subjects of whom a measurement, or an event of these terms, has no time to the instant."""
        named = self.adverse_events[self.adverse_events["term"].isin(terms)]
        tables = (self.measurements, named)
        open_rows = (table.loc[table["earliest"] < table["latest"], "USUBJID"] for table in tables)
        return frozenset().union(*open_rows)

    def trusted(self) -> "Charts":
        """Return the rows that passed every check."""
        return replace(
            self,
            measurements=self.measurements[self.measurements["trusted"]],
            adverse_events=self.adverse_events[self.adverse_events["trusted"]],
        )

    def of_tests(self, tests: Collection[Test]) -> "Charts":
        """Return the charts with the measurements of these tests alone."""
        return replace(self, measurements=self.measurements[_are_of(self.measurements, tests)])

    def widened(self) -> "Charts":
        """Return the same charts, with each unknown time as open as it may be."""
        return replace(self, at_widest=True)


def event_labels(events: pd.DataFrame) -> pd.Series:
    """Return how the evidence of a case names each adverse event."""
    return "AE:AESEQ=" + events["AESEQ"].astype("str")


def highest_grade(stated: Iterable[object]) -> str | None:
    """Return the highest grade that is stated, else the gravest severity, lower case; None where neither is."""
    known = [GRADES.index(one) for one in stated if one in GRADES]
    return GRADES[max(known)].lower() if known else None


def measurement_labels(measurements: pd.DataFrame) -> pd.Series:
    """Return how the evidence of a case names each measurement."""
    domain = measurements["domain"].astype("str")
    return domain + ":" + domain + "SEQ=" + measurements["sequence"].astype("str")


def on_axis(charts: Charts, tests: Sequence[Test]) -> Measurements:
    """Return the measurements of the given tests that have an instant, in order on the shared axis."""
    instant = charts.measurements["earliest"] == charts.measurements["latest"]
    rows = charts.measurements[instant & _are_of(charts.measurements, tests)]
    codes = subject_codes(rows["USUBJID"], charts.known)
    axis = place(codes, seconds(rows["earliest"]))
    kinds = _kinds(rows, tests)
    order = np.lexsort((rows.index.to_numpy(), kinds, axis))
    order = order[codes[order] >= 0]
    return Measurements(
        axis,
        kinds,
        rows["value"].to_numpy(),
        rows["alternative"].to_numpy(),
        rows["upper_limit"].to_numpy(),
        rows["trusted"].to_numpy(),
        rows.index.to_numpy(),
    ).take(order)


def _are_of(measurements: pd.DataFrame, tests: Collection[Test]) -> Flags:
    wanted = np.zeros(len(measurements), bool)
    for test in tests:
        wanted |= is_of(measurements, test)
    return wanted


def is_of(measurements: pd.DataFrame, test: Test) -> Flags:
    """Return which measurements are of a test, by its domain and code."""
    domain, code = test
    return ((measurements["domain"] == domain) & (measurements["test"] == code)).to_numpy(bool)


def _kinds(rows: pd.DataFrame, tests: Sequence[Test]) -> Instants:
    """Return the place of each measurement's test, every one of which is among ``tests``."""
    kinds = np.zeros(len(rows), np.int64)
    for kind, test in enumerate(tests):
        kinds[is_of(rows, test)] = kind
    return kinds


def extremes(charts: Charts, tests: Sequence[Test]) -> Extremes:
    """Return every measurement of the given tests, whatever is known of its time."""
    rows = charts.measurements[_are_of(charts.measurements, tests)]
    codes = subject_codes(rows["USUBJID"], charts.known)
    return Extremes(
        _kinds(rows, tests),
        place(codes, seconds(rows["earliest"])),
        place(codes, seconds(rows["latest"])),
        rows["value"].to_numpy(),
    )
