"""A simulated study on disk: complete, the same bytes for one seed anywhere, and with a valid protocol."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from checks.errors import UsageError
from checks.protocol import load_protocol
from flows.simulate import simulate
from flows.simulate.design import SITES, STUDY_ID

FILES = {
    "protocol.yaml",
    "truth.json",
    "feeds/dm.csv",
    "feeds/ex.csv",
    "feeds/ae.csv",
    "feeds/vs.csv",
    "feeds/lb.csv",
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulated") / "deep" / "study"
    assert simulate("cyt107", out) == out
    return out


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_study_is_seven_files(written):
    assert set(_bytes(written)) == FILES


def test_the_same_seed_gives_the_same_bytes_in_another_process_and_place(written, tmp_path):
    command = (
        "import sys; from pathlib import Path; from flows.simulate import simulate; "
        "simulate('cyt107', Path(sys.argv[1]), seed=1)"
    )
    elsewhere = os.environ | {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "17", "LC_ALL": "C"}
    subprocess.run([sys.executable, "-c", command, str(tmp_path)], check=True, env=elsewhere)
    assert _bytes(tmp_path) == _bytes(written)


def test_another_seed_gives_another_study(written, tmp_path):
    other, first = _bytes(simulate("cyt107", tmp_path, seed=2)), _bytes(written)
    assert {name for name in FILES if other[name] == first[name]} == {"protocol.yaml"}


def test_the_protocol_is_valid_and_says_that_it_is_simulated(written):
    protocol = load_protocol(written / "protocol.yaml")
    assert protocol.study.id == STUDY_ID
    assert "SIMULATED" in protocol.study.title
    assert protocol.study.simulated
    assert "simulated: true" in (written / "protocol.yaml").read_text(encoding="utf-8")
    assert dict(protocol.sites) == SITES
    assert [rule.id for rule in protocol.rules] == [
        "timing",
        "severity",
        "rate",
        "four_cases",
        "registered_alc",
    ]


def test_the_protocol_points_at_the_feeds(written):
    document = load_protocol(written / "protocol.yaml")
    for domain in ("dm", "ex", "ae", "vs", "lb"):
        assert (written / getattr(document.feeds, domain).path).is_file()


def test_no_stamp_lies_beyond_the_cut_off(written):
    cutoff = pd.Timestamp(json.loads((written / "truth.json").read_text())["data_cutoff"])
    site = pd.read_csv(written / "feeds/dm.csv").set_index("USUBJID")["SITEID"].map(SITES)
    for path in (written / "feeds").iterdir():
        table = pd.read_csv(path, dtype=str)
        for column in table.columns[table.columns.str.endswith("DTC") | (table.columns == "ENTERED")]:
            for zone, rows in table.groupby(table["USUBJID"].map(site)):
                stamps = pd.to_datetime(rows[column].dropna(), format="ISO8601")
                if stamps.dt.tz is None:
                    stamps = stamps.dt.tz_localize(zone, ambiguous="NaT")
                assert not (stamps > cutoff).any(), f"{path.name} {column}"


def test_a_study_of_another_size_has_as_many_subjects(tmp_path: Path):
    simulate("null", tmp_path, subjects=8)
    assert len(pd.read_csv(tmp_path / "feeds/dm.csv")) == 8
    assert json.loads((tmp_path / "truth.json").read_text())["subjects"] == 8


def test_a_study_is_not_written_over_another_nor_over_a_file(tmp_path: Path):
    study, file = simulate("null", tmp_path / "study", subjects=2), tmp_path / "file"
    file.write_text("precious")
    before = _bytes(study)
    for out, said in (
        (study, "found feeds there already; allowed: a new folder"),
        (file, "found a file; allowed: a folder"),
    ):
        with pytest.raises(UsageError, match=said):
            simulate("cyt107", out)
    assert (_bytes(study), file.read_text()) == (before, "precious")


@pytest.mark.parametrize(
    "call", [lambda out: simulate("nothing", out), lambda out: simulate("null", out, subjects=1)]
)
def test_nothing_is_written_when_refused(call: Callable[[Path], Path], tmp_path: Path):
    with pytest.raises(UsageError):
        call(tmp_path / "out")
    assert not (tmp_path / "out").exists()
