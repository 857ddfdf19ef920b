"""What a command may write over: its own for the same study."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from small_studies import small_protocol

from checks.errors import UsageError
from checks.protocol import StudyProtocol
from flows.commands.cli import _parser
from flows.own_folder import require_own, require_place, require_unwritten

NAMES = ("look.json", "cases.csv")
OURS = json.dumps({"schema": "postdose/look/1", "study": "S"}, indent=1)
LINES = json.dumps({"schema": "postdose/replay/1", "study": "S"}) + '\n{"verdict": "signal"}\n'


PROTOCOL = StudyProtocol.model_validate(small_protocol(study={"id": "S", "timezone": "UTC"}))


def allowed(out: Path) -> None:
    require_own(out, PROTOCOL, NAMES, told_by="look.json")


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


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").symlink_to("nowhere")
    with pytest.raises(UsageError, match=r"found cases\.csv there"):
        allowed(tmp_path)


def test_suites_take_the_place_of_the_same_alone(tmp_path: Path) -> None:
    (tmp_path / "vs.json").write_text("{}")
    require_unwritten(tmp_path, {"vs.json": "{}", "ae.json": "{}"})
    with pytest.raises(UsageError, match=r"found another vs\.json there; allowed: a new folder"):
        require_unwritten(tmp_path, {"vs.json": "[]"})


NOWHERE = {
    "/proc/self/x": "a place where no file can be written",
    "/proc/self": "a place where no file can be written",
    "/dev/null/x": "a file; allowed: a folder",
    "{here}/file": "a file; allowed: a folder",
    "{here}/file/x": "a file; allowed: a folder",
    "{here}/dangling": "a file; allowed: a folder",
    "{here}/" + "x" * 300: "a place where no file can be written",
    "{here}/a\0b": "a place where no file can be written",
}


@pytest.mark.parametrize("place", NOWHERE)
def test_where_no_file_can_be_written_is_said(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "dangling").symlink_to("nowhere")
    out = Path(place.format(here=tmp_path))
    with pytest.raises(UsageError, match=f"--out .* found {NOWHERE[place]}"):
        require_place(out)
    allowed(out)  # a look is told all the same
    assert (tmp_path / "file").read_text() == "precious"


def test_a_folder_is_made_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    require_place(tmp_path / "new" / "folder")
    assert not list((tmp_path / "new" / "folder").iterdir())


COMMANDS = ["simulate null --out", "demo --out", "design {study} --out", "check {study} --suites"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("place", ["/proc/self/x", "/dev/null/x", "{here}/" + "x" * 300])
def test_every_command_that_writes_says_so(tmp_path: Path, command: str, place: str) -> None:
    told = [*command.format(study=written_study(tmp_path)).split(), place.format(here=tmp_path)]
    options = _parser().parse_args(told)
    with pytest.raises(UsageError, match="; allowed: a folder"):
        options.run(options)


def written_study(folder: Path) -> Path:
    study = folder / "protocol.yaml"
    study.write_text(json.dumps(small_protocol(study={"id": "S", "timezone": "UTC"})))
    return study


@pytest.mark.parametrize(
    "lies", ["protocol.yaml", "study.yml", "vs.csv", "ae.XPT", "obs.ndjson.gz", "lb.parquet"]
)
@pytest.mark.parametrize("require", [allowed, lambda out: require_unwritten(out, {"VS.json": "{}"})])
def test_nothing_is_written_beside_a_protocol_or_feeds(
    tmp_path: Path, lies: str, require: Callable[[Path], None]
) -> None:
    (tmp_path / lies).write_text("")
    with pytest.raises(UsageError, match=f"found {lies} there, a protocol or a feed; allowed: "):
        require(tmp_path)


def test_no_listing_is_written_where_a_feed_arrives(tmp_path: Path) -> None:
    feeds = {**small_protocol()["feeds"], "vs": {"path": "arrives"}}
    protocol = StudyProtocol.model_validate(small_protocol(feeds=feeds)).read_from(tmp_path, "")
    (tmp_path / "arrives").mkdir()
    with pytest.raises(UsageError, match="found that the feed VS arrives there; allowed: another folder"):
        require_own(tmp_path / "arrives", protocol, NAMES, told_by="look.json")
