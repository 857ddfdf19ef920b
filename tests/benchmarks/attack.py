"""Print what was tried against postdose, by kind: how much was tried, how much held, what failed.

``python tests/benchmarks/attack.py [PART ...] [--work DIR]``. Every attempt is written down in DIR as it ends, so
that what was interrupted goes on where it was, and what was tried is not tried again; remove its lines to try anew.
Exits 1 where something did not hold. On two busy cores all of it takes more than an hour.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

import leftovers
from attacks.attempt import Attempt, Bench, tried
from attacks.faults import faults
from attacks.feeds import feeds
from attacks.fresh_ledgers import fresh_ledgers
from attacks.kills import kills
from attacks.looks_in_a_row import looks_in_a_row
from attacks.tests_of import TESTS, tests_of

PARTS: Mapping[str, Callable[[Bench], Iterator[Attempt]]] = {
    **{name: partial(tests_of, name) for name in TESTS},
    "feeds": feeds,
    "faults": faults,
    "ledgers": fresh_ledgers,
    "looks": looks_in_a_row,
    "kills": kills,
}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--work", type=Path, default=Path("attack"), help="what is kept (default: attack)")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.parts) - PARTS.keys())
    if unknown:
        parser.error(f"{', '.join(unknown)}: found; allowed: {', '.join(PARTS)}")
    leftovers.watch()
    options.work.mkdir(parents=True, exist_ok=True)
    kept = options.work / "attempts.jsonl"
    with Bench(options.work.resolve()) as bench:
        for part in options.parts or PARTS:
            _try(part, bench, kept)
    found = tried(kept)
    print(table(found))
    return int(not all(one.held for one in found))


def _try(part: str, bench: Bench, kept: Path) -> None:
    """Make the attempts of a part that are not kept, and keep each as it ends."""
    bench.done = {one.name: one for one in tried(kept) if one.part == part}
    for one in PARTS[part](bench):
        bench.done[one.name] = one
        with kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(one)) + "\n")
        now = time.strftime("%H:%M:%S")
        print(f"{now} {part}: {'held' if one.held else 'FAILED'}: {one.name}: {one.said}", flush=True)


def table(found: Sequence[Attempt]) -> str:
    """Return a line for each kind, and one for each attempt that failed or tells a number."""
    lines = [f"{'kind':<44} {'tried':>6} {'held':>6} {'failed':>6}"]
    kinds = list(dict.fromkeys(one.kind for one in found))
    for kind in kinds:
        these = [one for one in found if one.kind == kind]
        held = sum(one.held for one in these)
        lines.append(f"{kind:<44} {len(these):>6} {held:>6} {len(these) - held:>6}")
    lines += [f"FAILED {one.part}: {one.name}: {one.said}" for one in found if not one.held]
    lines += [f"{one.part}: {one.said}" for one in found if one.sums_up]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
