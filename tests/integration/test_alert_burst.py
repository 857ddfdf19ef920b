"""A burst: every crossed rule is told, once to each role; all else is capped, and says how much was held back."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[1] / "benchmarks" / "bench_burst.py"
SIGNALS, LOOKS, CAP = 60, 15, 12
"""Many times what is told in an hour of anything else, which is one message in five minutes."""


@pytest.fixture(scope="module")
def counts() -> Mapping[str, Any]:
    command = [sys.executable, str(BENCH), "--json", "--signals", str(SIGNALS), "--looks", str(LOOKS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


def test_no_crossed_rule_is_capped(counts: Mapping[str, Any]) -> None:
    burst = counts["burst"]
    assert burst["queued"] == {"physician": SIGNALS, "chair": SIGNALS}
    assert burst["queued_by_the_same_look_again"] == 0
    assert burst["arrived"] == {
        "physician": {"raised": SIGNALS},
        "chair": {"raised": SIGNALS, "escalated": SIGNALS},  # an hour later, when nobody had answered
    }
    assert burst["alerts_that_arrived"] == {"physician": SIGNALS, "chair": SIGNALS}
    told = {kind: burst["records"][kind] for kind in ("raised", "escalation", "receipt", "acknowledgement")}
    # One receipt more: the physician's webhook could have been an on-call system, which hears of an answer too.
    assert told == {
        "raised": SIGNALS,
        "escalation": SIGNALS,
        "receipt": 3 * SIGNALS + 1,
        "acknowledgement": 1,
    }


@pytest.mark.parametrize("verdict", ["watch", "not_assessable"])
def test_what_is_no_crossed_rule_is_capped_and_the_next_message_says_how_much(
    counts: Mapping[str, Any], verdict: str
) -> None:
    found = counts[verdict]
    assert (found["told"], found["held_back"]) == (CAP, LOOKS - CAP)
    assert f"{LOOKS - CAP} further alerts held back from single messages" in found["said"]
