"""The subjects' charts: their measurements and adverse events, and how the evidence of a case names their rows."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from checks.cases.deaths import DEATHS
from checks.cases.series import NEVER, Flags, Test, is_of
from checks.cases.spans import Spans, place, seconds, subject_codes

GRADES = ("MILD", "MODERATE", "SEVERE", "1", "2", "3", "4", "5")
"""From the lowest: severity in the words of AESEV (CDISC codelist C66769), then the grades of AETOXGR (CTCAE 1 to 5).

Any grade is preferred to any word: the two are not one scale.
"""

_WORDS = 3
"""So many of the grades are words."""


@dataclass(frozen=True, slots=True)
class Charts:
    """Measurements, adverse events and deaths; ``known`` has the subjects in the order of their codes."""

    measurements: pd.DataFrame
    adverse_events: pd.DataFrame
    known: pd.Index
    deaths: pd.DataFrame = field(default_factory=DEATHS.empty)

    def died(self) -> Spans:
        """Return, by subject code, when each subject died, on the shared axis: beyond all instants for the living."""
        spans = Spans(*(np.full(len(self.known), NEVER) for _ in Spans._fields))
        codes = subject_codes(self.deaths["USUBJID"], self.known)
        for edge, name in zip(spans, ("earliest", "latest"), strict=True):
            edge[codes[codes >= 0]] = place(codes, seconds(self.deaths[name]))[codes >= 0]
        return spans

    def trusted(self) -> "Charts":
        """Return the rows that passed every check."""
        return self._where(self.measurements["trusted"], self.adverse_events["trusted"])

    def of_tests(self, tests: Collection[Test]) -> "Charts":
        """Return the charts with the measurements of these tests alone."""
        return replace(self, measurements=self.measurements[_are_of(self.measurements, tests)])

    def of_doubtful(self) -> "Charts":
        """Return all rows of the subjects of whom a row is withheld, cannot be read or fits another unit."""
        rows, events = self.measurements, self.adverse_events
        open_rows = ~rows["trusted"] | rows["value"].isna() | rows["alternative"].notna()
        without_limit = (rows["domain"] == "LB") & rows["upper_limit"].isna()
        subjects = {
            *rows.loc[open_rows | without_limit, "USUBJID"],
            *events.loc[~events["trusted"], "USUBJID"],
        }
        return self._where(rows["USUBJID"].isin(subjects), events["USUBJID"].isin(subjects))

    def _where(self, measurements: "pd.Series[bool]", events: "pd.Series[bool]") -> "Charts":
        return replace(
            self, measurements=self.measurements[measurements], adverse_events=self.adverse_events[events]
        )


def _are_of(measurements: pd.DataFrame, tests: Collection[Test]) -> Flags:
    wanted = np.zeros(len(measurements), bool)
    for test in tests:
        wanted |= is_of(measurements, test)
    return wanted


def event_labels(events: pd.DataFrame) -> pd.Series:
    """Return how the evidence of a case names each adverse event."""
    return "AE:AESEQ=" + events["AESEQ"].astype("str")


def measurement_labels(measurements: pd.DataFrame) -> pd.Series:
    """Return how the evidence of a case names each measurement."""
    domain = measurements["domain"].astype("str")
    return domain + ":" + domain + "SEQ=" + measurements["sequence"].astype("str")


def highest_grade(stated: Iterable[object]) -> str | None:
    """Return the highest grade that is stated, else the gravest severity, lower case; None where neither is."""
    known = [GRADES.index(one) for one in stated if one in GRADES]
    return GRADES[max(known)].lower() if known else None


def higher_grade(stated: str, before: Iterable[str]) -> bool:
    """Whether a grade is higher than any of those before that are on its scale, of which there must be one."""
    if stated not in GRADES:
        return False
    mine = GRADES.index(stated)
    others = [GRADES.index(one) for one in before if one in GRADES]
    same_scale = [one for one in others if (one < _WORDS) == (mine < _WORDS)]
    return bool(same_scale) and mine > max(same_scale)
