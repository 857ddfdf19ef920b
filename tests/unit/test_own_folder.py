"""What a command may write over: its own for the same study."""

import json
from pathlib import Path

import pytest

from checks.errors import UsageError
from flows.own_folder import require_own, require_unwritten

NAMES = ("look.json", "cases.csv")
OURS = json.dumps({"schema": "postdose/look/1", "study": "S"}, indent=1)
LINES = json.dumps({"schema": "postdose/replay/1", "study": "S"}) + '\n{"verdict": "signal"}\n'


def allowed(out: Path) -> None:
    require_own(out, "S", NAMES, told_by="look.json")


@pytest.mark.parametrize("said", [OURS, LINES, ""])
def test_what_the_study_wrote_before_is_written_again(tmp_path: Path, said: str) -> None:
    (tmp_path / "look.json").write_text(said)
    (tmp_path / "cases.csv").write_text("USUBJID\n")
    allowed(tmp_path)


def test_a_new_folder_and_one_that_holds_other_names_are_written_into(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    allowed(tmp_path)
    allowed(tmp_path / "none" / "yet")


@pytest.mark.parametrize(
    "said",
    [
        OURS.replace('"S"', '"T"'),
        LINES.replace('"S"', '"T"'),
        OURS.replace("schema", "scheme"),
        '"S"',
        "[" * 100_000,
        "{",
        "\udcff",
    ],
)
def test_what_another_study_or_somebody_else_wrote_is_not(tmp_path: Path, said: str) -> None:
    (tmp_path / "look.json").write_bytes(said.encode("utf-8", "surrogateescape"))
    with pytest.raises(
        UsageError, match=r"found look\.json there, and no look\.json of study S with it; allowed: "
    ):
        allowed(tmp_path)


def test_a_listing_that_nothing_says_whose_it_is_is_kept(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text("mine")
    with pytest.raises(UsageError, match=r"found cases\.csv there"):
        allowed(tmp_path)


def test_a_link_that_leads_nowhere_and_a_file_for_the_folder_are_named(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").symlink_to("nowhere")
    with pytest.raises(UsageError, match=r"found cases\.csv there"):
        allowed(tmp_path)
    (tmp_path / "file").write_text("precious")
    with pytest.raises(UsageError, match="found a file; allowed: a folder"):
        allowed(tmp_path / "file")


def test_suites_take_the_place_of_the_same_alone(tmp_path: Path) -> None:
    (tmp_path / "vs.json").write_text("{}")
    require_unwritten(tmp_path, {"vs.json": "{}", "ae.json": "{}"})
    with pytest.raises(UsageError, match=r"found another vs\.json there; allowed: a new folder"):
        require_unwritten(tmp_path, {"vs.json": "[]"})
