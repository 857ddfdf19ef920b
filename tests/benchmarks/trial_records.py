"""Records of trials, a JSON line each, kept once made, so that an interrupted run goes on; and shares with limits."""

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from scipy.stats import beta

from checks.looks import code_version

Record = dict[str, Any]
SECONDS_BETWEEN_LINES = 20.0


def done_before(path: Path | None) -> list[Record]:
    """Return the records of this code that a file holds; a line cut short by an interruption is left out."""
    if path is None or not path.exists():
        return []
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return [one for one in records if one["code"] == code_version()]


def kept(made: Iterable[Record], path: Path | None, total: int) -> Iterator[Record]:
    """Yield each record once it is written to the file, and say now and then how long the rest will take."""
    begun = last = time.monotonic()
    for number, record in enumerate(made, start=1):
        if path is not None:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        yield record
        now = time.monotonic()
        if number in (1, 10) or now - last > SECONDS_BETWEEN_LINES:
            last, left = now, (now - begun) / number * (total - number)
            print(f"  {number} of {total} after {now - begun:.0f} s; some {left:.0f} s to go", flush=True)


def share(hits: int, of: int) -> str:
    """Return a share with its exact 95 % limits (Clopper and Pearson, Biometrika 1934;26:404-13)."""
    if not of:
        return "  -"
    low = 0.0 if hits == 0 else beta.ppf(0.025, hits, of - hits + 1)
    high = 1.0 if hits == of else beta.ppf(0.975, hits + 1, of - hits)
    return f"{hits / of:5.3f} [{low:.3f}, {high:.3f}]"
