"""How far long work is, is said after its first part, and then not at every step."""

import logging
from types import SimpleNamespace

from flows.simulate import progress
from flows.simulate.progress import Progress


def test_the_first_part_says_how_long_the_rest_takes_and_later_ones_now_and_then(caplog, monkeypatch):
    hour = iter((0.0, 2.0, 4.0, 20.0))  # begun, and after each part
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(hour)))
    caplog.set_level(logging.INFO, logger="postdose")
    done = Progress("Trial", 10)
    for parts in (1, 1, 2):
        done.add(parts)
    # 9 left at 2 s each; nothing 2 s later; 6 left at 20 s for 4
    assert caplog.messages == ["Trial 1 of 10; some 18 s to go", "Trial 4 of 10; some 30 s to go"]
