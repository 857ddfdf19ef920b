"""How a mistake inside one value of a study protocol travels to the message that names its line."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

Place = tuple[str | int, ...]
"""Keys and list positions that lead from the top of the file to a value."""

LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class ProblemAt:
    """One mistake: where (relative to the value at hand), what was found, what is allowed."""

    place: Place
    found: str
    allowed: str


class RefusedValue(ValueError):  # noqa: N818 - pydantic gathers ValueErrors; this one never leaves the package
    """Raised inside a model's validator; carries every mistake of that one value."""

    def __init__(self, problems: Sequence[ProblemAt]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"found {one.found}; allowed: {one.allowed}" for one in self.problems))


def refuse(found: str, allowed: str) -> RefusedValue:
    """Return the error for a single mistake of the value at hand."""
    return RefusedValue([ProblemAt((), found, allowed)])


def refuse_all(problems: Sequence[ProblemAt]) -> None:
    """Raise every mistake at once, when there is one."""
    if problems:
        raise RefusedValue(problems)


def require_one(name: str, value: object, other: str, other_value: object) -> None:
    """Refuse a section that has both of two keys, or neither."""
    if (value is None) == (other_value is None):
        found = f"neither {name} nor {other}" if value is None else f"both {name} and {other}"
        raise refuse(found, f"exactly one of {name}, {other}")


def shown(value: object) -> str:
    """Return a value as a message may show it: short, and never an address, which may hold a password."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    text = str(value)
    if "://" in text:
        return "an address (not repeated here)"
    return repr(text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "...")


def one_of(allowed: Sequence[str], found: str) -> str:
    """Return the allowed words, with the one nearest to what was found named first."""
    listed = ", ".join(allowed)
    nearest = get_close_matches(found.casefold(), [word.casefold() for word in allowed], n=1)
    if not nearest:
        return f"one of {listed}"
    word = next(word for word in allowed if word.casefold() == nearest[0])
    return f"{word} (the nearest), or one of {listed}"
