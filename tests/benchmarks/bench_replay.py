"""Print how long after the third planted onset a count of three cases is crossed, by how often one looks.

Run from the root: ``python tests/benchmarks/bench_replay.py [--seeds 200] [--replays 5]``. The same seeds give
the same table. For every simulated study (cyt107) the delay is computed from arrival times alone: when the
charts first show both components of each planted case, and when enough rows are entered to show them. The third
case to be entered crosses the rule at the next look (on a grid from midnight UTC). For the first few seeds a
replay, which knows nothing of this arithmetic, looks every hour around that time; differences are printed.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from checks.protocol import load_protocol
from flows.looks.reading import read_delivered
from flows.looks.replay.history import History
from flows.looks.replay.schedule import Schedule, day_of
from flows.settings import Settings
from flows.simulate import simulate
from flows.simulate.charting import Measurement
from flows.simulate.study import DEFAULT_SUBJECTS, Study, compose
from flows.simulate.timeline import utc_stamps
from flows.simulate.truth import (
    BASELINE_MINUTES,
    RISK_WINDOW_HOURS,
    SEARCH_MINUTES,
    Onsets,
    charted_onsets,
    latent_onsets,
    planted_from,
)

EVERY_HOURS = (1, 6, 24)
CASES = 3
RULE = "rate"
HOUR = timedelta(hours=1)
EVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One planted case: when it began, when the charts first show it, and when those rows were entered."""

    began: datetime
    charted: datetime
    entered: datetime


def arrivals(study: Study) -> list[Arrival]:
    """Return the planted cases that the charts show in the risk window, in the order of their entry."""
    found = []
    for subject, reaction in study.reactions.items():
        start = reaction.dose_start
        since = planted_from(reaction)
        latent = latent_onsets(study.courses[subject], start, since).later
        near = [
            one
            for one in study.measurements[subject]
            if start - BASELINE_MINUTES <= one.minute <= start + SEARCH_MINUTES
        ]
        charted = in_window(near, start, since)
        if latent is None or charted is None:
            continue
        entered = next(
            minute
            for minute in sorted({one.entered for one in near})
            if in_window([one for one in near if one.entered <= minute], start, since) is not None
        )
        found.append(Arrival(*(moment(minute) for minute in (latent, charted, entered))))
    return sorted(found, key=lambda one: one.entered)


def in_window(measurements: Sequence[Measurement], start: int, since: Onsets) -> int | None:
    """Return when these measurements first show both components, if that is in the risk window.

    A reading entered late is not needed where a later one, entered sooner, shows the same.
    """
    later = charted_onsets(measurements, start, since).later
    if later is None or not RISK_WINDOW_HOURS[0] <= (later - start) / 60 <= RISK_WINDOW_HOURS[1]:
        return None
    return later


def moment(minute: int) -> datetime:
    """Return a simulated minute as an instant."""
    return datetime.fromisoformat(utc_stamps([minute])[0])


def next_look(known: datetime, hours: int) -> datetime:
    """Return the first look at or after a moment."""
    midnight = day_of(known)
    return midnight + -((midnight - known) // (hours * HOUR)) * hours * HOUR


def hours_of(parts: Sequence[timedelta]) -> str:
    """Return median, ninetieth percentile and largest, in hours."""
    ordered = sorted(part / HOUR for part in parts)
    ninetieth = ordered[-(-9 * len(ordered) // 10) - 1]
    return f"{statistics.median(ordered):8.1f} {ninetieth:8.1f} {ordered[-1]:8.1f}"


def computed(seeds: int) -> Iterator[tuple[int, list[Arrival]]]:
    """Yield each seed with its planted cases."""
    for seed in range(1, seeds + 1):
        yield seed, arrivals(compose("cyt107", seed=seed, subjects=DEFAULT_SUBJECTS))


def print_table(studies: Sequence[list[Arrival]]) -> None:
    """Print the delay from the onset of the last of three cases to the verdict, and its parts."""
    last = [
        (max(one.began for one in cases), max(one.charted for one in cases), cases[-1].entered)
        for cases in studies
    ]
    print(
        f"{len(studies)} studies; hours since the third planted onset began{'':6} median      90 %  largest"
    )
    print(f"  until the charts show it{'':26}{hours_of([seen - began for began, seen, _ in last])}")
    print(f"  from there until it is entered{'':20}{hours_of([entered - seen for _, seen, entered in last])}")
    for hours in EVERY_HOURS:
        looks = [next_look(entered, hours) for *_, entered in last]
        waits = [look - entered for look, (*_, entered) in zip(looks, last, strict=True)]
        whole = [look - began for look, (began, *_) in zip(looks, last, strict=True)]
        print(f"  from there until a look every {hours:2} h{'':15}{hours_of(waits)}")
        print(f"  whole delay with a look every {hours:2} h{'':15}{hours_of(whole)}")


def replayed(seed: int, around: datetime) -> dict[int, datetime | None]:
    """Return when looks every hour, 6 and 24 hours find the rule crossed, from a day before to a day after."""
    with tempfile.TemporaryDirectory() as folder:
        study = simulate("cyt107", Path(folder) / "study", seed=seed)
        protocol = load_protocol(study / "protocol.yaml")
        history = History.of(protocol, read_delivered(protocol, Settings("", {}), None, by=EVER))
        schedule = Schedule(next_look(around, 1) - 6 * HOUR, next_look(around, 24) + HOUR, HOUR)
        crossed = [cutoff for cutoff in schedule.cutoffs() if is_crossed(history, cutoff)]
    return {hours: next((one for one in crossed if one.hour % hours == 0), None) for hours in EVERY_HOURS}


def is_crossed(history: History, cutoff: datetime) -> bool:
    """Whether the look at a data cut-off, with the data as they were known then, finds the rule crossed."""
    look = history.look(cutoff)
    return any(result.id == RULE and result.verdict == "crossed" for result in look.rules)


def main() -> None:
    """Print the table, then what replays say of the first seeds."""
    options = argparse.ArgumentParser()
    options.add_argument("--seeds", type=int, default=200)
    options.add_argument("--replays", type=int, default=5)
    given = options.parse_args()
    studies = list(computed(given.seeds))
    whole = [(seed, cases) for seed, cases in studies if len(cases) >= CASES]
    print_table([cases for _, cases in whole])
    print(
        f"Left out: {len(studies) - len(whole)} studies whose charts show fewer than three cases in the window."
    )
    for seed, cases in whole[: given.replays]:
        found = replayed(seed, cases[CASES - 1].entered)
        for hours in EVERY_HOURS:
            expected = next_look(cases[CASES - 1].entered, hours)
            said = "agrees" if found[hours] == expected else f"DIFFERS: replay says {found[hours]}"
            print(
                f"seed {seed}, looks every {hours:2} h: crossed at {expected:%Y-%m-%d %H:%M} UTC, {said}",
                flush=True,
            )


if __name__ == "__main__":
    main()
