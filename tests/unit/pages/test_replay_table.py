"""What a replay says at a terminal, of a document as small as one can be."""

import pytest

from flows.pages.replay import ReplayDocument, replay_table


def replayed(every_minutes: int) -> ReplayDocument:
    first, last = "2026-03-01T00:00Z", "2026-03-05T00:00Z"
    return {
        "schema": "postdose/replay/1",
        "study": "S",
        "simulated": False,
        "protocol_sha256": "",
        "code_version": "",
        "deliveries_sha256": "",
        "schedule": {"first": first, "last": last, "every_minutes": every_minutes},
        "looks": 1,
        "looks_sha256": "",
        "first_verdicts": {},
        "rules": [
            {
                "id": "three_cases",
                "kind": "count",
                "first_crossed": None,
                "changes": [],
                "waterfall": None,
                "possible": None,
                "nearest": None,
            }
        ],
    }


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (30, "30 minutes"),
        (60, "hour"),
        (90, "90 minutes"),
        (360, "6 hours"),
        (1440, "day"),
        (10_080, "7 days"),
    ],
)
def test_the_time_between_looks_is_said_in_its_largest_whole_unit(minutes: int, said: str) -> None:
    assert f"Replay of S: 1 look, every {said}, 2026-03-01 00:00 UTC to" in replay_table(replayed(minutes))


def test_a_rule_that_never_crossed_says_so_below_what_was_replayed() -> None:
    _, answer, last = replay_table(replayed(1440)).split("\n\n")
    assert answer == "three_cases: never crossed: at no look could it be evaluated."
    assert last == "postdose recommends; a DSMB decides. It is not a medical device.\n"
