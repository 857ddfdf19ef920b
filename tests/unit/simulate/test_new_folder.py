"""Where a made-up study may be written, and what a demo may clear away: another demo, as it was left."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from checks.errors import UsageError
from flows.simulate.new_folder import OF_A_DEMO, begin_demo, end_simulation, require_new


def written(out: Path) -> None:
    (out / "feeds").mkdir()
    for name in ("protocol.yaml", "truth.json", "feeds/dm.csv"):
        (out / name).write_text(name)


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    out = tmp_path / "demo"
    begin_demo(out)
    require_new(out)
    written(out)
    end_simulation(out)
    for name in ("postdose.sqlite", "postdose.sqlite-wal", "heads", "look-S.lock"):
        (out / name).write_text("left by a look")
    (out / "looks").symlink_to(tmp_path / "elsewhere")
    return out


def test_a_demo_is_cleared_for_the_next_and_nothing_beyond_its_folder(demo: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "thesis.txt").write_text("precious")
    begin_demo(demo)
    assert [one.name for one in demo.iterdir()] == [OF_A_DEMO]
    assert (tmp_path / "elsewhere" / "thesis.txt").read_text() == "precious"


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    begin_demo(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == [OF_A_DEMO]


def test_a_demo_that_was_interrupted_as_it_simulated_is_cleared(tmp_path: Path) -> None:
    begin_demo(tmp_path)
    written(tmp_path)
    begin_demo(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == [OF_A_DEMO]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("thesis.txt", lambda file: file.write_text("precious")),
        (".git", lambda file: file.mkdir()),
        ("protocol.yaml", lambda file: file.write_text("mine")),
        ("feeds/dm.csv", lambda file: file.write_text("mine")),
        ("feeds/ae.csv", lambda file: file.write_text("mine")),
    ],
)
def test_a_demo_in_which_a_person_wrote_is_kept(
    demo: Path, name: str, change: Callable[[Path], None]
) -> None:
    change(demo / name)
    before = sorted(str(one) for one in demo.rglob("*"))
    with pytest.raises(
        UsageError, match=f"found {name} there, which no demo left so; allowed: a new folder, an"
    ):
        begin_demo(demo)
    assert sorted(str(one) for one in demo.rglob("*")) == before


def test_a_study_that_was_simulated_otherwise_is_no_demo(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "truth.json").write_text(json.dumps({"simulated": True}))
    with pytest.raises(UsageError, match="found feeds there, which no demo left so"):
        begin_demo(tmp_path)


@pytest.mark.parametrize("refuse", [require_new, begin_demo])
def test_a_file_and_a_link_that_leads_nowhere_are_no_folder(
    tmp_path: Path, refuse: Callable[[Path], None]
) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("file", "link"):
        with pytest.raises(UsageError, match="found a file; allowed: a folder"):
            refuse(tmp_path / name)
