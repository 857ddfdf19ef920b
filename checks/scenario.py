"""The three ways in which doubtful facts are taken: best for the study drug, as the main analysis does, worst."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


class Scenario(StrEnum):
    """How doubtful facts are taken, from what speaks most for the study drug to what speaks most against it."""

    BEST = "best"
    MAIN = "main"
    WORST = "worst"


@dataclass(frozen=True, slots=True)
class ByScenario(Generic[T]):
    """One value for each scenario."""

    best: T
    main: T
    worst: T

    @classmethod
    def of(cls, value: Callable[[Scenario], T]) -> "ByScenario[T]":
        """Return what a function answers for each scenario."""
        return cls(*map(value, Scenario))

    def __getitem__(self, scenario: Scenario) -> T:
        """Return the value of one scenario."""
        match scenario:
            case Scenario.BEST:
                return self.best
            case Scenario.MAIN:
                return self.main
            case Scenario.WORST:
                return self.worst

    def items(self) -> Iterator[tuple[Scenario, T]]:
        """Yield each scenario with its value, from best to worst."""
        yield from zip(Scenario, (self.best, self.main, self.worst), strict=True)

    def map(self, change: Callable[[T], U]) -> "ByScenario[U]":
        """Return each value changed; one that is the same object as that before it is not changed anew."""
        best = change(self.best)
        main = best if self.main is self.best else change(self.main)
        return ByScenario(best, main, main if self.worst is self.main else change(self.worst))
