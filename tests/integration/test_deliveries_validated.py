"""What a look says of a feed whose newest delivery cannot be used, and of rows that others replaced."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from checks.protocol import load_protocol
from checks.protocol.feeds import Feeds
from checks.tables import Feed
from checks.validation import FeedOutcome, validate_feeds

CUTOFF = datetime(2026, 3, 10, tzinfo=UTC)
GOOD = load_protocol(Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml")


def feed(domain: str, rows: list[dict[str, str | None]], **said: object) -> Feed:
    table = pd.DataFrame(rows, dtype="str")
    table["source_file"], table["source_row"] = "file.csv", range(2, len(rows) + 2)
    return Feed(domain, table, (), **said)  # type: ignore[arg-type]


DM = feed("DM", [{"USUBJID": "S1", "SITEID": "FR01"}])
EX = feed("EX", [{"USUBJID": "S1", "EXSEQ": "1", "EXTRT": "CYT107", "EXSTDTC": "2026-03-02T08:00"}])
EVENT: dict[str, str | None] = {
    "USUBJID": "S1",
    "AESEQ": "1",
    "AETERM": "PYREXIA",
    "AESTDTC": "2026-03-02T14:00",
}


def outcome(ae: Feed) -> tuple[FeedOutcome, int]:
    sources = {name: {"path": name} for name in ("dm", "ex", "ae")}
    protocol = GOOD.model_copy(update={"feeds": Feeds.model_validate(sources)})
    validation = validate_feeds({"dm": DM, "ex": EX, "ae": ae}, protocol, CUTOFF)
    return next(one for one in validation.feeds if one.domain == "AE"), len(validation.adverse_events)


def test_rows_are_used_and_the_feed_is_not_trusted() -> None:
    said, events = outcome(
        feed("AE", [EVENT], problem="AE: tuesday.csv lacks S2", superseded=4, not_yet_known=2)
    )
    assert (said.outcome, said.problems, said.trustworthy) == ("error", ("AE: tuesday.csv lacks S2",), False)
    assert (events, said.rows_read, said.rows_accepted) == (1, 1, 1)
    assert (said.rows_superseded, said.rows_not_yet_known) == (4, 2)


def test_the_problem_is_said_beside_what_blocks_the_structure() -> None:
    said, _ = outcome(
        feed("AE", [{**EVENT, "AETERM": None}], problem="AE: tuesday.csv lacks S2", superseded=4)
    )
    assert said.outcome == "failed" and said.rows_superseded == 4
    assert said.problems[0] == "AE: tuesday.csv lacks S2" and len(said.problems) == 2


def test_without_a_problem_the_feed_passes() -> None:
    said, events = outcome(feed("AE", [EVENT]))
    assert (said.outcome, said.problems, events, said.rows_superseded) == ("passed", (), 1, 0)
