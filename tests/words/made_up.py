"""Random subjects: sick charts with slots and jitter, stray values, flicker, gaps, reports, several doses."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from words.charted import HOUR, Chart, Line, Measured

DAY = 24 * HOUR
NORMAL: Mapping[str, tuple[float, float]] = {"TEMP": (36.8, 0.4), "OXYSAT": (96, 1.2), "RESP": (20, 3)}
WIDTHS = {"TEMP": 1, "OXYSAT": 0, "RESP": 0, "FIO2": 2}
"""To how many digits a ward charts a test."""
TOWARDS_HARM = {"TEMP": 1.9, "OXYSAT": -9, "RESP": 14, "FIO2": 0.25}


@dataclass(slots=True)
class Ward:
    """One subject's hours in the making: values by test and instant."""

    random: np.random.Generator
    hours: int
    charted: dict[tuple[str, int], float]

    def chance(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def instant(self, first: float = 0, last: float | None = None) -> int:
        """An instant to the minute; now and then to the full hour, so that edges meet."""
        hour = self.random.uniform(first, self.hours if last is None else last)
        return round(hour) * HOUR if self.chance(0.3) else round(hour * 60) * 60

    def harm(self, test: str, start: int, end: int, size: float, flicker: float = 0) -> None:
        for name, at in list(self.charted):
            if name == test and start <= at < end and not self.chance(flicker):
                moved = self.charted[name, at] + size * TOWARDS_HARM[test]
                self.charted[name, at] = round(min(moved, 100 if test == "OXYSAT" else 999), WIDTHS[test])


def random_subject(seed: int) -> Chart:
    random = np.random.default_rng(seed)
    ward = Ward(random, int(random.integers(40, 110)), {})
    doses = random_doses(ward)
    for test in ("TEMP", "OXYSAT", "RESP", "FIO2"):
        if not ward.chance({"TEMP": 0.03, "OXYSAT": 0.15, "RESP": 0.2, "FIO2": 0.6}[test]):
            chart_test(ward, test)
    make_sick(ward, doses)
    leave_gaps(ward)
    cutoff = ward.hours * HOUR if ward.chance(0.6) else ward.instant(20)
    death = ward.instant(20) if ward.chance(0.1) else None
    known = min(cutoff, cutoff if death is None else death)
    measured = (Measured(test, at, value) for (test, at), value in ward.charted.items() if at <= known)
    return Chart(
        tuple(sorted(measured, key=lambda one: (one.at, one.test))),
        cutoff,
        random_lines(ward, doses, cutoff),
        tuple(dose for dose in doses if dose <= cutoff),
        death if death is not None and death <= cutoff else None,
    )


def random_doses(ward: Ward) -> tuple[int, ...]:
    first = ward.instant(6, 30)
    gaps = ward.random.choice([4, 6, 9, 13, 24, 30, 48], size=ward.random.integers(0, 3))
    jitter = ward.random.integers(-50, 50, size=len(gaps))
    return tuple(int(at) for at in np.cumsum([first, *(gaps * HOUR + jitter * 60)]))


def chart_test(ward: Ward, test: str) -> None:
    """Slots at the ward's pace, met to the minute or with jitter."""
    slow = test in ("TEMP", "FIO2")
    pace = ward.random.choice([1, 2, 4, 4, 6, 8, 13] if slow else [0.5, 1, 1, 2, 4, 7])
    jitter = ward.random.choice([0, 0, 0.1, 0.4]) * pace * HOUR
    level = ward.random.choice([0.21, 0.3, 0.4])
    middle, spread = NORMAL.get(test, (level, 0.02))
    middle += ward.random.choice([0, 0, 0.3]) * TOWARDS_HARM[test]
    offset = ward.random.uniform(0, pace) if ward.chance(0.5) else 0
    for slot in np.arange(offset, ward.hours, pace):
        at = round((slot * HOUR + ward.random.uniform(-jitter, jitter)) / 60) * 60
        value = round(float(min(ward.random.normal(middle, spread), 100)), WIDTHS[test])
        ward.charted[test, max(at, 0)] = max(value, 0.21) if test == "FIO2" else value


def make_sick(ward: Ward, doses: tuple[int, ...]) -> None:
    tests = ("TEMP", "OXYSAT", "RESP", "FIO2")
    for test, at in list(ward.charted):
        if ward.chance(0.02):
            ward.harm(test, at, at + 1, float(ward.random.choice([0.7, 1, 1.5])))
    for _ in range(ward.random.integers(0, 3)):  # long or persistent
        start, hours = ward.instant(-20), int(ward.random.integers(6, 60))
        ward.harm(str(ward.random.choice(tests)), start, start + hours * HOUR, 0.9, flicker_of(ward))
    starts = [ward.instant() for _ in range(ward.random.integers(0, 3))]
    starts += [dose + ward.instant(3, 9) for dose in doses if ward.chance(0.6)]
    for start in starts:  # fever and distress together
        size, flicker = float(ward.random.choice([0.6, 1, 1.5])), flicker_of(ward)
        for test in tests:
            if ward.chance(0.75):
                begin = start + int(ward.random.integers(-90, 90)) * 60
                ward.harm(test, begin, begin + ward.instant(0.5, 6), size, flicker)


def flicker_of(ward: Ward) -> float:
    return float(ward.random.choice([0, 0, 0.1, 0.3, 0.5]))


def leave_gaps(ward: Ward) -> None:
    for _ in range(ward.random.integers(0, 3)):
        start, length = ward.instant(), ward.instant(2, 30)
        tests = ward.random.choice(["TEMP", "OXYSAT", "RESP", "FIO2"], size=2)
        for test, at in list(ward.charted):
            if test in tests and start <= at < start + length:
                del ward.charted[test, at]


def random_lines(ward: Ward, doses: tuple[int, ...], cutoff: int) -> tuple[Line, ...]:
    """Starts to the minute, to the hour or by date; ends given or blank; grades on some."""
    found = []
    for number in range(1, 1 + int(ward.random.choice([0, 0, 1, 2, 3]))):
        near = doses[int(ward.random.integers(len(doses)))] + ward.instant(-6, 12)
        at = near if ward.chance(0.6) else ward.instant()
        whole = int(ward.random.choice([1, 1, 1, HOUR, DAY]))
        earliest = at // whole * whole if whole > 1 else at
        end = at + ward.instant(1, 30) if ward.chance(0.4) else None
        name = str(ward.random.choice(["fever", "respiratory_distress"]))
        grade = int(ward.random.choice([0, 1, 2, 3]))
        if 0 <= earliest <= cutoff:
            found.append(Line(number, name, earliest, earliest + whole - 1, end, grade))
    return tuple(found)
