"""A look is one function: frames or deliveries in, verdict out; watched or divided, it is the same look."""

import doctest
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from feed_files import read_feed

from checks import Look, load_protocol, look, looks
from checks.closed import telltales_in
from checks.errors import UsageError
from checks.knowledge import Knowledge
from checks.protocol import StudyProtocol
from flows.simulate import simulate

ROOT = Path(__file__).parents[2]
DOMAINS = ("dm", "ex", "vs", "ae", "lb")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate("cyt107", tmp_path_factory.mktemp("study"), seed=1)


@pytest.fixture(scope="module")
def protocol(study: Path) -> StudyProtocol:
    return load_protocol(study / "protocol.yaml")


@pytest.fixture(scope="module")
def cutoff(study: Path) -> datetime:
    return datetime.fromisoformat(json.loads((study / "truth.json").read_text())["data_cutoff"])


@pytest.fixture(scope="module")
def frames(study: Path) -> Mapping[str, pd.DataFrame]:
    return {
        name: pd.read_csv(study / "feeds" / f"{name}.csv", dtype="str", keep_default_na=False)
        for name in DOMAINS
    }


@pytest.fixture(scope="module")
def found(frames: Mapping[str, pd.DataFrame], protocol: StudyProtocol, cutoff: datetime) -> Look:
    return look(frames, protocol, data_cutoff=cutoff)


def without_files(document: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what names the files, which a frame is not."""
    kept = {name: said for name, said in document.items() if name not in ("look_id", "caveats")}
    checks = [{**check, "place": ""} for check in document["checks"]]
    return kept | {"feeds": [{**feed, "sha256": None} for feed in document["feeds"]], "checks": checks}


def test_the_example_of_its_documentation_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (example,) = doctest.DocTestFinder().find(look, "look", globs={})
    ran = doctest.DocTestRunner().run(example)
    assert ran.attempted > 0 and ran.failed == 0


def test_frames_say_what_the_same_files_say(
    found: Look, study: Path, protocol: StudyProtocol, cutoff: datetime
) -> None:
    feeds = {name: read_feed(str(study / "feeds" / f"{name}.csv"), domain=name.upper()) for name in DOMAINS}
    as_files = looks.look_at(Knowledge(feeds), protocol, data_cutoff=cutoff)
    assert without_files(found.document()) == without_files(as_files.document())
    truth = json.loads((study / "truth.json").read_text())
    planted = {(case["USUBJID"], case["dose_number"]) for case in truth["cases"]}
    assert {(one.USUBJID, one.dose_number) for one in found.cases if one.in_risk_window == "yes"} == planted
    assert found.verdict == "signal"


def test_each_stage_is_told_by_name_and_watching_changes_nothing(
    found: Look, frames: Mapping[str, pd.DataFrame], protocol: StudyProtocol, cutoff: datetime
) -> None:
    told: list[str] = []

    def stage(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            told.append(name)
            return work(*args, **kwargs)

        return watched

    watched = look(frames, protocol, data_cutoff=cutoff, stage=stage)
    assert told == ["find what was known", "validate feeds", "find cases", "evaluate rules"]
    assert watched.document() == found.document()


class Thirds:
    """Works on three parts, the last one first."""

    most_parts = 3
    computed: tuple[str, int] = ("", 0)

    def compute(self, stage: str, work: Callable[[Any], Any], parts: Sequence[Any]) -> tuple[Any, ...]:
        self.computed = (stage, len(parts))
        return tuple(reversed([work(part) for part in reversed(parts)]))


def test_divided_by_subject_it_is_the_same_look(
    found: Look, frames: Mapping[str, pd.DataFrame], protocol: StudyProtocol, cutoff: datetime
) -> None:
    engine = Thirds()
    divided = look(frames, protocol, data_cutoff=cutoff, engine=engine)
    assert engine.computed == ("find cases", 3)
    assert divided.document() == found.document()
    pd.testing.assert_frame_equal(divided.doses, found.doses)


def test_who_received_what_changes_nothing_and_is_shown_nowhere(
    found: Look, frames: Mapping[str, pd.DataFrame], protocol: StudyProtocol, cutoff: datetime
) -> None:
    active, placebo = protocol.treatment.names
    swapped = frames["ex"].assign(EXTRT=frames["ex"]["EXTRT"].replace({active: placebo, placebo: active}))
    assert not swapped.equals(frames["ex"])
    other = look({**frames, "ex": swapped}, protocol, data_cutoff=cutoff)
    assert without_files(other.document()) == without_files(found.document())
    innocent = (protocol.study.id, protocol.study.title or "")
    shown = (repr(found), found._repr_html_(), json.dumps(found.document()))
    for text in shown:
        assert telltales_in(text.encode(), protocol.treatment.names, innocent=innocent) == ()


def test_it_shows_itself_in_one_line_and_as_a_table(found: Look) -> None:
    assert "\n" not in repr(found) and len(repr(found)) < 300
    assert "signal" in repr(found) and "rate" in repr(found)
    assert found._repr_html_().count("<tr>") == 1 + len(found.rules)


def test_it_says_its_cut_off_in_utc_wherever_that_was_written(
    frames: Mapping[str, pd.DataFrame], protocol: StudyProtocol, cutoff: datetime, found: Look
) -> None:
    in_paris = look(frames, protocol, data_cutoff=cutoff.astimezone(ZoneInfo("Europe/Paris")))
    assert repr(in_paris) == repr(found) and f"{cutoff:%Y-%m-%dT%H:%M}:00Z" in repr(found)


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA], ids=str)
def test_text_among_missing_objects_is_text(
    frames: Mapping[str, pd.DataFrame], protocol: StudyProtocol, cutoff: datetime, found: Look, missing: Any
) -> None:
    objects = frames["vs"].astype(object)
    vs = objects.where(objects != "", missing)
    assert vs.isna().any(axis=None) and {dtype.kind for dtype in vs.dtypes} == {"O"}
    seen = look({**frames, "vs": vs}, protocol, data_cutoff=cutoff)
    assert without_files(seen.document()) == without_files(found.document())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"data_cutoff": "2025-04-20T16:10Z"},
            "data cut-off 2025-04-20T16:10Z; allowed: a time with an offset",
        ),
        ({"data_cutoff": None}, "data cut-off None; allowed: a time with an offset from UTC"),
        ({"protocol": "protocol.yaml"}, "protocol: found str; allowed: what `load_protocol` returns"),
        ({"feeds": []}, "feeds: found list; allowed: a frame for each domain"),
        ({"feeds": {"dm": None}}, "feeds: found dm as NoneType; allowed: a data frame of text"),
        ({"feeds": {"vs": [{"USUBJID": "S1"}]}}, "feeds: found vs as list; allowed: a data frame of text"),
        ({"feeds": {"xx": pd.DataFrame()}}, "feeds: found 'xx'; allowed: a feed of the protocol"),
    ],
)
def test_what_is_no_look_is_refused_by_name(
    frames: Mapping[str, pd.DataFrame],
    protocol: StudyProtocol,
    cutoff: datetime,
    given: Mapping[str, Any],
    message: str,
) -> None:
    asked: dict[str, Any] = {"feeds": frames, "protocol": protocol, "data_cutoff": cutoff} | dict(given)
    with pytest.raises(UsageError, match=re.escape(message)):
        look(**asked)
