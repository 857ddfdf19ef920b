"""What the Prefect page shows of a look, and that no text of a look can leave its cell."""

import json
from pathlib import Path
from typing import Any

import pytest

from checks.protocol import load_protocol
from flows.looks.artifacts import MOST_CASES, look_markdown, slug

LOOKS = Path(__file__).parents[1] / "pages" / "report" / "looks"
PROTOCOL = load_protocol(LOOKS / "protocol.yaml")
REPORT = Path("/studies/S/looks/S/20260307T090000Z/report.html")


def look(name: str = "signal", **changed: Any) -> dict[str, Any]:
    document = json.loads((LOOKS / f"{name}.json").read_text(encoding="utf-8"))
    document["feeds"] = [{"within_limit": True, "problems": [], **feed} for feed in document["feeds"]]
    return {**document, **changed}


def table(text: str, heading: str) -> list[list[str]]:
    """The cells of the table under a heading, as a reader of Markdown splits them."""
    lines = text.partition(f"## {heading}\n")[2].partition("\n\n## ")[0].splitlines()
    rows = [line.replace("\\|", "\0") for line in lines if line.startswith("|")]
    return [[cell.strip().replace("\0", "|") for cell in row.strip("|").split("|")] for row in rows]


def case(subject: str = "S-1", window: str = "yes", hour: float | None = 6.25) -> dict[str, Any]:
    return {
        "USUBJID": subject, "dose_number": 1, "hour": hour, "certainty": "definite", "in_risk_window": window,
        "onset_hours": [6.0, 6.5], "why": {"fever": "new"}, "since": {}, "other_doses": [], "provisional": False,
        "settled_by": None,
        "components": {
            "fever": {
                "onset_hours": [6.0, 6.5], "certainty": "definite", "test": "TEMP", "evidence": [], "query": False,
            },
        },
    }  # fmt: skip


def test_a_look_says_its_verdict_its_rules_and_where_its_report_lies() -> None:
    text = look_markdown(look(), PROTOCOL, REPORT)
    assert "# SIM-IL7-01: signal" in text
    assert "Risk windows: 84 evaluable, 2 open, 7 unobserved." in text
    assert table(text, "Rules")[2] == ["three cases", "crossed", "not crossed", "crossed", "3", "3"]
    assert f"[Report](file://{REPORT})" in text


def test_a_boundary_keeps_its_small_digits() -> None:
    (rule, *_) = look()["rules"]
    rules = [{**rule, "boundary": 0.00030000000000000003}, {**rule, "boundary": None}]
    rows = table(look_markdown(look(rules=rules), PROTOCOL, REPORT), "Rules")
    assert [row[-1] for row in rows[2:]] == ["0.0003", ""]


def test_the_cases_that_the_rules_count_come_first() -> None:
    cases = [case("S-1", "no"), case("S-2", "yes"), case("S-3", "possible", None)]
    rows = table(look_markdown(look(cases=cases), PROTOCOL, REPORT), "Cases")[2:]
    assert [row[0] for row in rows] == ["S-2", "S-3", "S-1"]
    assert [row[2] for row in rows] == ["6.25", "not known", "6.25"]


def test_more_cases_than_a_page_holds_are_counted() -> None:
    text = look_markdown(look(cases=[case(f"S-{n}") for n in range(MOST_CASES + 2)]), PROTOCOL, REPORT)
    assert len(table(text, "Cases")) == 2 + MOST_CASES
    assert "The report has 2 more." in text


def test_a_look_without_cases_says_so() -> None:
    assert "## Cases\n\nNone." in look_markdown(look("not_assessable"), PROTOCOL, REPORT)


@pytest.mark.parametrize(
    "subject", ["a|b", "a\nb", "a\\|b", "<b>x</b>", "[x](http://y)", "`x`", "*x*", "# x"]
)
def test_no_text_leaves_its_cell_or_is_markdown(subject: str) -> None:
    text = look_markdown(look(cases=[case(subject)]), PROTOCOL, REPORT)
    (row,) = [line for line in text.splitlines() if "6.25" in line]
    assert (
        row.startswith("| ")
        and row.replace("\\\\", "").count("|") - row.replace("\\\\", "").count("\\|") == 7
    )
    for mark in "<>[]`*#":
        assert row.count(mark) == row.count(f"\\{mark}")


def test_a_feed_at_fault_is_named_once() -> None:
    problem = (
        "VS: the latest accepted datum is of 2025-04-13T22:22:00Z; allowed: at most 12 h before the cut-off"
    )
    feed = {"domain": "VS", "outcome": "passed", "within_limit": True, "stale": True, "latest": None}
    text = look_markdown(look(feeds=[{**feed, "problems": [problem]}]), PROTOCOL, REPORT)
    assert "- Feed VS: the latest accepted datum is of 2025-04-13T22:22:00Z; allowed:" in text


def test_a_simulated_look_says_so() -> None:
    assert "SIMULATED" in look_markdown(look(simulated=True), PROTOCOL, REPORT)
    assert "SIMULATED" not in look_markdown(look(simulated=False), PROTOCOL, REPORT)


@pytest.mark.parametrize(
    ("study", "key"), [("CYT107-IV", "cyt107-iv"), ("Étude n° 7 / B", "tude-n-7-b"), ("--", "study")]
)
def test_a_studys_id_becomes_a_key_that_prefect_takes(study: str, key: str) -> None:
    assert slug(study) == key
