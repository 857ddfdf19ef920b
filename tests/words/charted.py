"""One subject's chart and a case definition, as the words name them; instants are whole seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

HOUR = 3600
NEVER = 10**12
"""Later than every instant: the end of what does not end."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One value of one test at one instant."""

    test: str
    at: int
    value: float


@dataclass(frozen=True, slots=True)
class Line:
    """An adverse event of a component: its start by its precision, the latest of its end, its grade (0: none)."""

    number: int
    component: str
    earliest: int
    latest: int
    end: int | None = None
    grade: int = 0

    @property
    def is_instant(self) -> bool:
        return self.earliest == self.latest

    @property
    def is_exact(self) -> bool:
        """Exact: its start is known to the hour or better."""
        return self.latest - self.earliest <= HOUR

    @property
    def order(self) -> tuple[int, int]:
        return self.earliest, self.number


@dataclass(frozen=True, slots=True)
class Criterion:
    """A value at or beyond ``bound`` (beyond alone, where ``strictly``) in the direction of harm, +1 or -1.

    With ``change`` it must also lie so far beyond its reference.
    """

    test: str
    harm: int
    bound: float | None
    change: float | None = None
    strictly: bool = False


@dataclass(frozen=True, slots=True)
class Component:
    name: str
    criteria: tuple[Criterion, ...]
    ends: tuple[str, ...] = ()

    @property
    def tests(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.test for one in self.criteria))

    def harm(self, test: str) -> int:
        return next(one.harm for one in self.criteria if one.test == test)


@dataclass(frozen=True, slots=True)
class Definition:
    """A case definition and the windows of a protocol, in hours; ``worse`` is (by, share) by test."""

    components: tuple[Component, ...]
    within: float = 3
    washout: float = 6
    baseline: float = 12
    confirm: float = 2
    again: float = 3
    fresh: Mapping[str, float] = field(default_factory=lambda: {"TEMP": 12, "FIO2": 12})
    runs: Mapping[str, float] = field(default_factory=lambda: {"TEMP": 8})
    worse: Mapping[str, tuple[float, float]] = field(
        default_factory=lambda: {"TEMP": (1.0, 0), "OXYSAT": (4, 0), "RESP": (8, 0.25), "FIO2": (0.2, 0)}
    )
    risk: tuple[float, float] = (5, 8)
    control: tuple[tuple[float, float], ...] = ((-24, -6), (12, 48))
    lag: float = 24

    def seconds(self, name: str) -> int:
        return round(getattr(self, name) * HOUR)

    def fresh_seconds(self, test: str) -> int:
        return round(self.fresh.get(test, 6) * HOUR)

    def run_seconds(self, test: str) -> int:
        return round(self.runs.get(test, 4) * HOUR)


FEVER = Component("fever", (Criterion("TEMP", 1, 38.3), Criterion("TEMP", 1, 38.0, 1.0)), ends=("TEMP",))
DISTRESS = Component(
    "respiratory_distress",
    (
        Criterion("OXYSAT", -1, 90, strictly=True),
        Criterion("OXYSAT", -1, 94, 4, strictly=True),
        Criterion("RESP", 1, 30),
        Criterion("FIO2", 1, None, 0.2),
    ),
)
USUAL = Definition((FEVER, DISTRESS))


@dataclass(frozen=True, slots=True)
class Chart:
    """All that is known of one subject at the cut-off."""

    measured: tuple[Measured, ...]
    cutoff: int
    lines: tuple[Line, ...] = ()
    doses: tuple[int, ...] = ()
    death: int | None = None


def apart(one: tuple[int, int], other: tuple[int, int]) -> int:
    """Return how far two closed intervals lie apart: nothing, where they touch."""
    return max(0, one[0] - other[1], other[0] - one[1])
