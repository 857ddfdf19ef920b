"""What validation says: of each check, suite and feed, and the tables that later stages may use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import pandas as pd

Category = Literal["conformance", "completeness", "plausibility"]
Severity = Literal["blocks", "quarantines", "warns"]
Outcome = Literal["passed", "failed", "error", "not_applicable"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check of the catalogue says of one feed: ``numerator`` of ``denominator`` did not conform."""

    domain: str
    name: str
    category: Category
    severity: Severity
    outcome: Outcome
    numerator: int
    denominator: int
    message: str
    place: str = field(default="", compare=False)
    """The file and the rows that did not conform; empty where that is not told."""


@dataclass(frozen=True, slots=True)
class ExpectationConfig:
    """One expectation as Great Expectations writes it in JSON."""

    type: str
    kwargs: Mapping[str, object]
    meta: Mapping[str, str]
    severity: str


@dataclass(frozen=True, slots=True)
class ExpectationResult:
    """What became of one expectation, as Great Expectations writes it, with counts alone."""

    success: bool
    expectation_config: ExpectationConfig
    result: Mapping[str, float | None]
    exception_info: Mapping[str, bool | str | None]


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """What became of the suite of one domain, as Great Expectations writes it: free of values, times and ids."""

    success: bool
    suite_name: str
    results: tuple[ExpectationResult, ...]
    statistics: Mapping[str, float]
    meta: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class UnusedRows:
    """So many rows of a feed that no stage uses, for one reason.

    ``code`` is the test code that they have, None where that is not told; ``nearest`` the vital that a code which is
    not known is nearest to.
    """

    reason: str
    code: str | None
    rows: int
    nearest: str | None = None


@dataclass(frozen=True, slots=True)
class FeedOutcome:
    """Whether one feed can be used, and how far.

    ``outcome`` is ``error`` when it could not be read or checked, or when its newest delivery cannot be used and
    earlier ones stand in for it; ``failed`` when its structure blocks it (its table is then empty),
    ``not_applicable`` when no rule uses it. ``latest`` is the latest accepted
    datum at or before the data cut-off, None when none carries a time. ``within_limit`` is whether no larger share
    of rows than the protocol allows is quarantined for another reason than lying after the cut-off. Not among the
    rows read are those that other deliveries superseded, and those that were not yet known (see
    ``checks.tables.Feed``). ``received`` is when the newest delivery was received, None for a feed that was read as
    found. ``unused`` are the accepted rows that no stage uses.
    """

    domain: str
    sha256: tuple[str, ...]
    rows_read: int
    rows_accepted: int
    rows_quarantined: int
    outcome: Outcome
    latest: datetime | None
    stale: bool
    within_limit: bool
    problems: tuple[str, ...]
    rows_superseded: int = 0
    rows_not_yet_known: int = 0
    received: datetime | None = None
    unused: tuple[UnusedRows, ...] = ()

    @property
    def trustworthy(self) -> bool:
        """Whether the feed passed, is fresh, and has no more rows withheld than the protocol allows."""
        return self.outcome == "passed" and not self.stale and self.within_limit


@dataclass(frozen=True, slots=True)
class Validation:
    """The typed tables (see ``checks.tables``), what was withheld from them, and why.

    ``unplaced`` are the subjects of withheld rows that no typed table can hold, because the subject, the test,
    the term or the time of a dose is not known; a blank subject is the empty text. Each could be a case.
    ``told_once`` are the domains whose times no second column tells.
    """

    subjects: pd.DataFrame
    administrations: pd.DataFrame
    measurements: pd.DataFrame
    adverse_events: pd.DataFrame
    unplaced: frozenset[str]
    quarantine: pd.DataFrame
    checks: tuple[CheckResult, ...]
    feeds: tuple[FeedOutcome, ...]
    suites: tuple[SuiteResult, ...] = ()
    told_once: tuple[str, ...] = ()
