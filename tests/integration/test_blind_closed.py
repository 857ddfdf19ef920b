"""The closed report on real files: permission, record, folder and what it says by arm."""

import json
import os
import shutil
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from feed_files import read_feed

from checks.closed import evaluate_by_arm
from checks.errors import FeedError, LedgerWriteError, UsageError
from checks.knowledge import Knowledge
from checks.looks import Look, look_at
from checks.protocol import load_protocol
from checks.scenario import Scenario
from checks.tables import Feed
from flows.ledger import Head, Kind, Ledger
from flows.ledger.heads import keep_head
from flows.looks.closed.report import closed_report
from flows.looks.files import write_files
from flows.settings import Settings, read_settings

FIXTURE = Path(__file__).parents[1] / "fixtures" / "blind"
CUTOFF = datetime(2024, 6, 12, 6, tzinfo=UTC)
NOW = datetime(2024, 6, 12, 7, 30, tzinfo=UTC)
WHY = {"reason": "meeting of the DSMB", "by": "A. Statistician", "now": NOW}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURE, tmp_path / "study"))


def read(study: Path) -> Mapping[str, Feed]:
    domains = load_protocol(study / "protocol.yaml").feeds.by_domain()
    return {
        domain.lower(): read_feed(str(study / source.path), domain=domain)
        for domain, source in domains.items()
    }


def make_look(study: Path) -> Look:
    protocol = load_protocol(study / "protocol.yaml")
    return look_at(Knowledge(read(study)), protocol, data_cutoff=CUTOFF)


def allowed(study: Path) -> Settings:
    return read_settings({"POSTDOSE_CLOSED": "allowed"}, state=None, folder=study)


def report(study: Path, settings: Settings | None = None, **changes: Any) -> Mapping[str, Any]:
    """Make a look and its closed report, and return closed.json."""
    look = make_look(study)
    document = look.document() | {"ledger": None, "signals": [], "delivery": {"outcome": "pending"}}
    write_files(look, document, study / "out")
    arguments: dict[str, Any] = {"read_feeds": lambda: read(study), **WHY, **changes}
    page = closed_report(
        document,
        study / "out",
        protocol=look.protocol,
        settings=settings or allowed(study),
        **arguments,
    )
    closed: Mapping[str, Any] = json.loads((page.parent / "closed.json").read_text(encoding="utf-8"))
    return closed


def arm(closed: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return next(one for one in closed["arms"] if one["arm"] == name)


def test_each_arm_has_its_own_cases_and_windows(study: Path) -> None:
    closed = report(study)
    # S1 and S6 on QZACTIVE and S3 on QZCONTROL are cases of dose 1; S5 has no arm in DM. S3's dose 2 has an
    # impossible amount, so its case there is possible alone, and S3 is a case already.
    active, control, unknown = (arm(closed, name) for name in ("QZACTIVE", "QZCONTROL", "not known"))
    assert (active["side"], control["side"], unknown["side"]) == ("active", "control", "unknown")
    assert [one["subjects"] for one in (active, control, unknown)] == [5, 2, 1]
    # Trusted doses: S1 1, S2 1, S4 1 (the other is misspelt), S6 2, S8 1; S3 1, S7 1; S5 1.
    assert [one["doses"] for one in (active, control, unknown)] == [6, 2, 1]
    counted = {name: arm(closed, name)["subjects_with_case"]["main"] for name in ("QZACTIVE", "QZCONTROL")}
    assert (counted["QZACTIVE"]["events"], counted["QZACTIVE"]["n"]) == (2, 5)
    assert (counted["QZCONTROL"]["events"], counted["QZCONTROL"]["n"]) == (1, 2)
    assert closed["comparison"]["readings"]["main"]["active"] == {"events": 2, "n": 5}
    # P(2 or 3 of 3 cases on 5 of 7) = (C(5,2) C(2,1) + C(5,3)) / C(7,3) = 30 / 35
    assert closed["comparison"]["readings"]["main"]["p_value"] == pytest.approx(30 / 35)


def test_an_arm_that_is_not_known_widens_best_and_worst(study: Path) -> None:
    readings = report(study)["comparison"]["readings"]
    # S5 was well: on the active side in the best case, on the control side in the worst.
    assert [readings[name]["active"]["n"] for name in Scenario] == [6, 5, 5]
    assert [readings[name]["control"]["n"] for name in Scenario] == [2, 2, 3]


def test_the_arms_add_up_to_the_pooled_look(study: Path) -> None:
    look = make_look(study)
    codes = {"S1": "A", "S2": "A", "S3": "B", "S4": "A", "S5": "C", "S6": "A", "S7": "B"}  # S8 is of none
    by_arm = evaluate_by_arm(look, codes).arms
    pooled = look.evidence
    for scenario in Scenario:
        cases = sum(one.with_case[scenario].events for one in by_arm)
        assert cases == pooled.subjects_with_case()[scenario]
        controls = sum(one.events_in_control[scenario] for one in by_arm)
        assert controls == pooled.events_in_control()[scenario]
    assert sum(one.hours_in_risk for one in by_arm) == pytest.approx(pooled.hours_in_risk)
    assert sum(one.hours_in_control for one in by_arm) == pytest.approx(pooled.hours_in_control)
    assert sum(one.windows_evaluable for one in by_arm) == sum(
        (look.findings.doses["window"] == "evaluable") & look.findings.doses["trusted"]
    )
    assert sum(one.subjects for one in by_arm) == 8


def test_without_arms_nothing_is_compared(study: Path) -> None:
    rows = [",".join(line.split(",")[:2]) for line in (study / "dm.csv").read_text().splitlines()]
    (study / "dm.csv").write_text("\n".join(rows) + "\n")
    closed = report(study)
    assert [one["arm"] for one in closed["arms"]] == ["not known"]
    assert closed["comparison"]["readings"]["main"]["p_value"] is None
    assert "active and control" in closed["comparison"]["problem"]
    assert "not evaluable" in (study / "out" / "closed" / "closed.html").read_text()


def test_what_was_withheld_for_its_amount_is_shown_here_alone(study: Path) -> None:
    withheld = report(study)["withheld_administrations"]
    assert [(row["record"], row["EXTRT"], row["EXDOSE"]) for row in withheld] == [
        ("EXSEQ=2", "QZACTIVE", "-731.25"),
        ("EXSEQ=2", "QZACTIVE", ""),
        ("EXSEQ=2", "QZCONTROL", "-731.25"),
        ("EXSEQ=2", "QZACTVE", "731.25"),  # may be the treatment with a slip
        ("EXSEQ=2", "", "0"),
        ("EXSEQ=2", "QZACTIVE", "QZMUCH"),
    ]
    assert "731.25" not in (study / "out" / "quarantine.csv").read_text()


def test_the_listing_names_every_subjects_arm(study: Path) -> None:
    report(study)
    listing = pd.read_csv(study / "out" / "closed" / "arms.csv").set_index("USUBJID")
    assert listing.loc["S1"].tolist() == ["QZACTIVE", "active", "yes"]
    assert listing.loc["S5"].tolist() == ["not known", "unknown", "no"]
    assert listing.loc["S7"].tolist() == ["QZCONTROL", "control", "no"]
    assert len(listing) == 8


def test_the_access_is_recorded_before_any_feed_is_read(study: Path) -> None:
    seen: list[int] = []

    def reading() -> Mapping[str, Feed]:
        seen.append(len(Ledger(allowed(study).state_url).records(kind=Kind.CLOSED_ACCESS)))
        return read(study)

    closed = report(study, read_feeds=reading)
    (record,) = Ledger(allowed(study).state_url).records(kind=Kind.CLOSED_ACCESS)
    assert seen == [1]
    assert record.study == "BLIND"
    assert record.payload == {
        "look_id": closed["look_id"],
        "data_cutoff": "2024-06-12T06:00:00Z",
        "by": "A. Statistician",
        "reason": "meeting of the DSMB",
        "accessed_at": "2024-06-12T07:30:00Z",
    }
    assert (closed["access"]["sequence"], closed["access"]["sha256"]) == (record.sequence, record.sha256)


def never() -> Mapping[str, Feed]:
    pytest.fail("a feed was read")


def test_without_a_record_nothing_is_read(study: Path) -> None:
    (study / "no-folder").write_text("")
    settings = read_settings(
        {"POSTDOSE_CLOSED": "allowed", "POSTDOSE_STATE": f"sqlite:///{study}/no-folder/x.sqlite"},
        state=None,
        folder=study,
    )
    with pytest.raises(LedgerWriteError):
        report(study, settings, read_feeds=never)
    assert not list((study / "out" / "closed").iterdir())


def test_in_a_ledger_that_is_not_the_studys_nothing_is_read(study: Path) -> None:
    keep_head(study, "BLIND", Head(9, "a" * 64), at=datetime(2024, 6, 12, tzinfo=UTC))
    with pytest.raises(LedgerWriteError, match="does not hold record 9"):
        report(study, read_feeds=never)
    assert not list((study / "out" / "closed").iterdir())


@pytest.mark.parametrize("value", ["", "yes", "ALLOWED"])
def test_without_the_setting_nothing_is_read_and_nothing_recorded(study: Path, value: str) -> None:
    settings = read_settings({"POSTDOSE_CLOSED": value}, state=None, folder=study)
    with pytest.raises(UsageError, match="POSTDOSE_CLOSED=allowed"):
        report(study, settings, read_feeds=never)
    assert not (study / "postdose.sqlite").exists() and not (study / "out" / "closed").exists()


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"reason": " "}, "--reason: found no printable text"),
        ({"by": ""}, "--by: found no printable text"),
        ({"reason": "two\nlines"}, "--reason: found no printable text"),
        ({"reason": "x" * 501}, "found 501 characters"),
        ({"reason": "to see who is on qzcontrol"}, "--reason: found the name of an arm"),
    ],
)
def test_a_reason_and_a_name_are_needed_and_tell_no_arm(
    study: Path, changes: dict[str, str], found: str
) -> None:
    with pytest.raises(UsageError, match=found):
        report(study, read_feeds=never, **changes)
    assert not (study / "postdose.sqlite").exists()


def test_a_protocol_must_say_which_arms_are_active(study: Path) -> None:
    protocol = study / "protocol.yaml"
    protocol.write_text(protocol.read_text().replace("  active_arms: [QZACTIVE]\n", ""))
    with pytest.raises(UsageError, match=r"treatment\.active_arms: found nothing"):
        report(study, read_feeds=never)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_only_the_owner_can_read_it_whatever_the_umask(study: Path, umask: int) -> None:
    look_first = make_look(study)
    document = look_first.document() | {"ledger": None}
    write_files(look_first, document, study / "out")
    Ledger(allowed(study).state_url)
    before = os.umask(umask)
    try:
        closed_report(
            document,
            study / "out",
            protocol=look_first.protocol,
            settings=allowed(study),
            read_feeds=lambda: read(study),
            **WHY,  # type: ignore[arg-type]
        )
    finally:
        os.umask(before)
    closed = study / "out" / "closed"
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in closed.iterdir()}
    assert modes == dict.fromkeys(("arms.csv", "closed.html", "closed.json", "files.csv"), 0o600)


def test_a_folder_that_others_may_read_is_refused(study: Path) -> None:
    (study / "out" / "closed").mkdir(parents=True, mode=0o750)
    with pytest.raises(UsageError, match="found mode 0750; allowed: a folder of your own with mode 0700"):
        report(study, read_feeds=never)
    assert not (study / "postdose.sqlite").exists()


def test_a_symbolic_link_is_refused(study: Path) -> None:
    (study / "elsewhere").mkdir(mode=0o700)
    (study / "out").mkdir()
    (study / "out" / "closed").symlink_to(study / "elsewhere")
    with pytest.raises(UsageError, match="found a symbolic link"):
        report(study, read_feeds=never)
    assert not list((study / "elsewhere").iterdir())


def test_a_link_in_place_of_a_file_is_replaced_and_not_followed(study: Path) -> None:
    report(study)
    closed, outside = study / "out" / "closed", study / "outside"
    outside.write_text("not ours")
    (closed / "closed.json").unlink()
    (closed / "closed.json").symlink_to(outside)
    report(study)
    assert outside.read_text() == "not ours"
    assert not (closed / "closed.json").is_symlink()
    assert not list(closed.glob(".*"))


def test_feeds_that_changed_since_the_look_are_refused(study: Path) -> None:
    def later() -> Mapping[str, Feed]:
        (study / "dm.csv").write_text((study / "dm.csv").read_text().replace("QZCONTROL", "QZACTIVE"))
        return read(study)

    with pytest.raises(FeedError, match="DM: found other bytes than the look had read"):
        report(study, read_feeds=later)
    assert not list((study / "out" / "closed").iterdir())


def test_an_arm_in_the_blinded_look_is_told(study: Path) -> None:
    """A subject whose identifier holds the arm's code: the closed report says that the blind is broken."""
    for name in ("dm", "ex", "vs", "ae", "pc"):
        file = study / f"{name}.csv"
        file.write_text(file.read_text().replace("S1,", "QZACTIVE-1,"))
    told = report(study)["telltales_in_the_blinded_look"]
    assert told["look.json"] == told["cases.csv"] == ["QZACTIVE"]
    page = (study / "out" / "closed" / "closed.html").read_text()
    assert "The blinded look.json carries QZACTIVE" in page


def test_the_page_is_inert(study: Path) -> None:
    for name in ("dm", "ex"):
        file = study / f"{name}.csv"
        file.write_text(file.read_text().replace("QZCONTROL", "<script>alert(1)</script>"))
    report(study, by="<b>me</b>")
    page = (study / "out" / "closed" / "closed.html").read_text()
    assert "<script" not in page and "<b>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
