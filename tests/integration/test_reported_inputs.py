"""Small studies that were reported to us, each with the verdicts that are right and what its look must say.

They lie beside the repository, as ``data/reported`` in the folder that POSTDOSE_TEST_DATA names; ``EXPECTED.tsv``
says what is expected of each.
"""

import csv
import os
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from feed_files import read_feed

from checks.errors import ProtocolError
from checks.knowledge import Knowledge
from checks.looks import look_at
from checks.protocol import load_protocol

DATA = os.environ.get("POSTDOSE_TEST_DATA", "")
REPORTED = Path(DATA) / "data" / "reported"
pytestmark = pytest.mark.skipif(
    not DATA, reason="POSTDOSE_TEST_DATA names no folder with the reported inputs"
)
WORDS = "8"
"""The reports that are about the words of a look."""


def expectations() -> dict[str, dict[str, str]]:
    if not DATA:
        return {"none": {}}
    with (REPORTED / "EXPECTED.tsv").open() as file:
        rows = csv.DictReader(file, delimiter="\t")
        return {row["folder"]: row for row in rows if row["issue"] == WORDS}


EXPECTED = expectations()


@cache
def document(folder: str) -> dict[str, Any] | None:
    """The look's document; None where the protocol is refused."""
    try:
        protocol = load_protocol(REPORTED / folder / "protocol.yaml")
    except ProtocolError:
        return None
    feeds = {
        domain.lower(): read_feed(str(REPORTED / folder / feed.path), domain=domain)
        for domain, feed in protocol.feeds.by_domain().items()
    }
    cutoff = datetime.fromisoformat(EXPECTED[folder]["data_cutoff"])
    found: dict[str, Any] = look_at(Knowledge(feeds), protocol, data_cutoff=cutoff).document()
    return found


def held(condition: str, found: Mapping[str, Any]) -> bool:
    """Whether a condition holds: of a field (``timing.events_in_control=0``), or of how many items are so."""
    name, chosen, comparison, number = re.fullmatch(r"([\w.]+)(\[.*\])?([=<>])(.*)", condition).groups()
    value = at(found, name)
    if chosen:
        wanted = [part.split("=") for part in chosen[1:-1].split(",")]
        value = sum(all(agrees(item, path, text) for path, text in wanted) for item in value)
    if value is None:
        return False
    return {"=": value == float(number), "<": value < float(number), ">": value > float(number)}[comparison]


def at(found: Any, path: str) -> Any:
    for name in path.split("."):
        found = found[name]
    return found


def agrees(item: Mapping[str, Any], path: str, text: str) -> bool:
    """``@name`` stands for another field of the same item."""
    value = at(item, path)
    return bool(value == at(item, text[1:]) if text.startswith("@") else str(value) == text)


@pytest.mark.parametrize("folder", EXPECTED)
def test_the_verdict_is_one_that_is_right(folder: str) -> None:
    found = document(folder)
    verdict = "refused" if found is None else found["verdict"]
    assert verdict in EXPECTED[folder]["accepted"].split("|"), EXPECTED[folder]["why"]


@pytest.mark.parametrize("folder", EXPECTED)
def test_the_look_says_what_it_must(folder: str) -> None:
    found = document(folder)
    conditions = filter(None, EXPECTED[folder]["document"].split(";"))
    failed = [one for one in conditions if found is None or not held(one, found)]
    assert not failed, EXPECTED[folder]["why"]


@pytest.mark.parametrize("folder", EXPECTED)
def test_a_case_has_its_hour_inside_its_interval(folder: str) -> None:
    for case in (document(folder) or {"cases": []})["cases"]:
        earliest, latest = case["onset_hours"]
        assert case["hour"] is None or earliest <= case["hour"] <= latest
