"""Why dose windows are not observed: by component and site, and how long a measurement would have to speak."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.cases.abnormal import INSPIRED_OXYGEN
from checks.cases.charting import elapsed_windows, gaps_of, hours_needed
from checks.cases.series import Flags, is_of
from checks.cases.spans import SECONDS_BITS, Spans, subject_codes
from checks.protocol import StudyProtocol
from checks.protocol.case_definition import Component


class Reason(StrEnum):
    """Why a component is not observed in a window."""

    SELDOM = "measured too seldom"
    WITHHELD = "in quarantine"
    NEVER = "not measured"


@dataclass(frozen=True, slots=True)
class Unobserved:
    """So many windows in which a component is not observed, for one reason, by site.

    ``tests`` are those that could observe it. Of what is measured too seldom, ``sufficient_hours`` are the
    ``fresh_hours`` of ``test`` by which half of each of these windows would be; None where no hours would.
    """

    component: str
    tests: tuple[str, ...]
    reason: Reason
    sites: Mapping[str, int]
    test: str
    fresh_hours: float
    sufficient_hours: float | None

    @property
    def windows(self) -> int:
        """How many windows it concerns."""
        return sum(self.sites.values())


def why_unobserved(
    measurements: pd.DataFrame,
    subjects: pd.DataFrame,
    doses: pd.DataFrame,
    protocol: StudyProtocol,
    data_cutoff: datetime,
) -> tuple[Unobserved, ...]:
    """Return why each component is not observed in the windows that are unobserved.

    Parameters
    ----------
    measurements, subjects, doses
        The tables ``MEASUREMENTS``, ``SUBJECTS`` and ``DOSES``.
    """
    lost = doses[(doses["window"] == "unobserved") & doses["trusted"]]
    known = pd.Index(subjects["USUBJID"])
    windows = elapsed_windows(lost, known, protocol, data_cutoff)
    if not len(windows.starts):
        return ()
    sites = subjects["SITEID"].to_numpy()[windows.starts >> SECONDS_BITS]
    return tuple(
        found
        for name, component in protocol.case_definition.components.items()
        for found in _of_component(name, component, measurements, known, windows, sites, protocol)
    )


def _of_component(
    name: str,
    component: Component,
    measurements: pd.DataFrame,
    known: pd.Index,
    windows: Spans,
    sites: "npt.NDArray[np.object_]",
    protocol: StudyProtocol,
) -> Iterator[Unobserved]:
    tests = [test for test in component.tests if test != INSPIRED_OXYGEN] or list(component.tests)
    if not tests:  # terms alone: reports observe it
        return
    fresh = np.array([protocol.case_definition.hours_of(test).fresh for test in tests])
    needed = np.stack([hours_needed(gaps_of(measurements, test, known), windows) for test in tests])
    short = (needed > fresh[:, None]).all(axis=0)
    seldom = short & np.isfinite(needed).any(axis=0)
    withheld = short & ~seldom & _with_withheld(measurements, tests, known, windows)
    states = {Reason.SELDOM: seldom, Reason.WITHHELD: withheld, Reason.NEVER: short & ~seldom & ~withheld}
    for reason, mine in states.items():
        if mine.any():
            each = needed[:, mine].max(axis=1)
            best = int(np.argmin(each))
            enough = float(each[best]) if np.isfinite(each[best]) else None
            codes = tuple(code for _, code in tests)
            by_site = dict(sorted(Counter(sites[mine]).items()))
            yield Unobserved(name, codes, reason, by_site, codes[best], float(fresh[best]), enough)


def _with_withheld(
    measurements: pd.DataFrame, tests: Sequence[tuple[str, str]], known: pd.Index, windows: Spans
) -> Flags:
    """Return which windows are of subjects with measurements of these tests in quarantine."""
    rows = measurements[~measurements["trusted"]]
    rows = rows[np.logical_or.reduce([is_of(rows, test) for test in tests])]
    return np.isin(windows.ends >> SECONDS_BITS, subject_codes(rows["USUBJID"], known))
