"""Looks at consecutive numbers with one boundary, as one: how many cross there, and how much error is spent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flows.pages.kit.words import DASH


@dataclass(frozen=True, slots=True)
class Stretch:
    """The first and the last place of such looks, the fewest that cross in words, and the error spent."""

    first: int
    last: int
    fewest: str
    here: float
    total: float

    def named(self, numbers: Sequence[int], *, to: str = DASH) -> str:
        """Return the numbers of its looks: one, or the first and the last."""
        first, last = numbers[self.first], numbers[self.last]
        return f"{first}" if first == last else f"{first}{to}{last}"


def stretches(
    numbers: Sequence[int], events: Sequence[int | None], spent: Sequence[float]
) -> Iterator[Stretch]:
    """Yield the stretches of a boundary, from what is counted at each look and the fewest events that cross there.

    Where none can cross they are None; ``spent`` is the probability of crossing first at each look.
    """
    total = 0.0
    for first, last in runs(numbers, events):
        here = sum(spent[first : last + 1])
        total += here
        yield Stretch(first, last, "none can" if events[first] is None else str(events[first]), here, total)


def runs(numbers: Sequence[int], values: Sequence[int | None]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last place of each stretch of consecutive numbers with the same value."""
    start = 0
    for place in range(1, len(numbers) + 1):
        goes_on = (
            place < len(numbers)
            and values[place] == values[start]
            and numbers[place] == numbers[place - 1] + 1
        )
        if not goes_on:
            yield start, place - 1
            start = place
