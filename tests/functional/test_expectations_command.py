"""A study's own expectations through `postdose` as a process: what is withheld, what is stopped, what is written."""

import csv
import json
import subprocess
from pathlib import Path

import processes
import pytest
from spoilt import make_study

CUTOFF = "2024-06-12T12:00:00+00:00"
SENTENCE = "The probe of ward 3 reads 38.9 whatever it touches."
WORN = {
    "type": "expect_column_values_to_not_be_in_set",
    "kwargs": {"column": "VSORRES", "value_set": ["38.9"]},
    "meta": {"severity": "quarantines", "name": "probe_of_ward_3", "notes": SENTENCE},
}


def study_with(folder: Path, suite: str) -> Path:
    protocol = make_study("good", folder)
    (folder / "expectations").mkdir()
    (folder / "expectations" / "vs.json").write_text(suite, encoding="utf-8")
    return protocol


def postdose(*arguments: str, prefect_url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    own = {"PREFECT_HOME": str(folder / "prefect"), "PREFECT_API_URL": prefect_url}
    return processes.postdose(*arguments, folder=folder, **own)


def look(protocol: Path, *, prefect_url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    arguments = ("look", str(protocol), "--data-cutoff", CUTOFF, "--out", str(folder / "out"), "--json")
    return postdose(*arguments, prefect_url=prefect_url, folder=folder)


def test_a_row_that_fails_is_in_quarantine_and_on_the_page_by_its_sentence(
    prefect_url: str, tmp_path: Path
) -> None:
    protocol = study_with(tmp_path / "study", json.dumps({"name": "vs", "expectations": [WORN]}))
    done = look(protocol, prefect_url=prefect_url, folder=tmp_path)
    assert "Traceback" not in done.stderr, done.stderr
    with (tmp_path / "out" / "quarantine.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["check"] for row in rows} == {"probe_of_ward_3"}
    assert {(row["found"], row["message"]) for row in rows} == {("38.9", SENTENCE)}
    assert SENTENCE in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    document = json.loads(done.stdout)
    assert document["expectations"][0]["file"] == "expectations/vs.json"
    written = json.loads((tmp_path / "out" / "validation.json").read_text(encoding="utf-8"))
    suite = next(one for one in written["results"] if one["suite_name"] == "VS")
    own = [one for one in suite["results"] if one["expectation_config"]["meta"]["name"] == "probe_of_ward_3"]
    assert [one["result"]["unexpected_count"] for one in own] == [len(rows)]


@pytest.mark.parametrize(
    ("suite", "found"),
    [
        ("{", "found no JSON"),
        pytest.param(
            json.dumps({"expectations": [WORN | {"type": "expect_peace"}]}),
            "expect_peace",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_broken_suite_stops_its_feed_with_file_and_name(
    suite: str, found: str, prefect_url: str, tmp_path: Path
) -> None:
    protocol = study_with(tmp_path / "study", suite)
    done = look(protocol, prefect_url=prefect_url, folder=tmp_path)
    assert done.returncode == 3, done.stderr
    feed = next(one for one in json.loads(done.stdout)["feeds"] if one["domain"] == "VS")
    assert (feed["outcome"], feed["rows_accepted"]) == ("error", 0)
    assert "expectations/vs.json" in feed["problems"][0] and found in feed["problems"][0]
    assert "expectations/vs.json" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    checked = postdose("check", str(protocol), prefect_url=prefect_url, folder=tmp_path)
    assert checked.returncode == 2 and "expectations/vs.json" in checked.stderr and found in checked.stderr


def test_check_writes_the_suites_of_the_study(prefect_url: str, tmp_path: Path) -> None:
    protocol = make_study("good", tmp_path / "study")
    done = postdose("check", str(protocol), "--suites", "suites", prefect_url=prefect_url, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "suites").iterdir()) == [
        "ae.json",
        "dm.json",
        "ex.json",
        "vs.json",
    ]
    suite = json.loads((tmp_path / "suites" / "vs.json").read_text(encoding="utf-8"))
    limits = [one for one in suite["expectations"] if one["meta"]["name"] == "value_plausible"]
    assert {"column": "VSSTRESN_TEMP", "min_value": 25.0, "max_value": 45.0} in [
        one["kwargs"] for one in limits
    ]
