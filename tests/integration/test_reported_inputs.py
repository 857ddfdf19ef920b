"""Small studies that were reported to us, each with the verdicts that are right and what its look must say.

They lie beside the repository, as ``data/reported`` in the folder that POSTDOSE_TEST_DATA names; ``EXPECTED.tsv``
says what is expected of each.
"""

import csv
import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from looks_of_folders import LookOfFolder, look_at_folder

DATA = os.environ.get("POSTDOSE_TEST_DATA", "")
REPORTED = Path(DATA) / "data" / "reported"
pytestmark = pytest.mark.skipif(
    not DATA, reason="POSTDOSE_TEST_DATA names no folder with the reported inputs"
)
ABOUT = {"8": "the words of a look", "9": "false facts in feeds"}
"""By their mark in the column ``issue``: the reports that are tried here, and what they are about."""

LOOKS: dict[str, LookOfFolder] = {}
"""The look of each folder, made once."""


def expectations() -> dict[str, dict[str, str]]:
    if not DATA:
        return {"none": {}}
    with (REPORTED / "EXPECTED.tsv").open() as file:
        rows = csv.DictReader(file, delimiter="\t")
        return {row["folder"]: row for row in rows if row["issue"] in ABOUT}


EXPECTED = expectations()


@pytest.fixture
def look_of(tmp_path: Path, folder: str) -> LookOfFolder:
    if folder not in LOOKS:
        cutoff = datetime.fromisoformat(EXPECTED[folder]["data_cutoff"])
        LOOKS[folder] = look_at_folder(REPORTED / folder, cutoff, tmp_path)
    return LOOKS[folder]


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
def test_the_verdict_is_one_that_is_right(folder: str, look_of: LookOfFolder) -> None:
    assert look_of.verdict in EXPECTED[folder]["accepted"].split("|"), EXPECTED[folder]["why"]


@pytest.mark.parametrize("folder", EXPECTED)
def test_the_look_says_what_it_must(folder: str, look_of: LookOfFolder) -> None:
    conditions = filter(None, EXPECTED[folder]["document"].split(";"))
    failed = [one for one in conditions if not (look_of.document and held(one, look_of.document))]
    assert not failed, EXPECTED[folder]["why"]


@pytest.mark.parametrize("folder", [name for name, row in EXPECTED.items() if row.get("text")])
def test_a_reader_finds_the_words_that_it_must_say(folder: str, look_of: LookOfFolder) -> None:
    assert re.search(EXPECTED[folder]["text"], look_of.text()), EXPECTED[folder]["named"]


@pytest.mark.parametrize("folder", EXPECTED)
def test_a_case_has_its_hour_inside_its_interval(folder: str, look_of: LookOfFolder) -> None:
    for case in look_of.document.get("cases", ()):
        earliest, latest = case["onset_hours"]
        assert case["hour"] is None or earliest <= case["hour"] <= latest, folder
