"""Several files in one folder of a cumulative feed: parts of one state, or one state after another."""

from datetime import UTC, datetime

import pytest

from checks.knowledge.parts import missing_parts

END = datetime(2026, 3, 31, tzinfo=UTC)
AE = "USUBJID AESEQ AETERM AESTDTC"
RASH, FEVER, COUGH = (
    ["S1", "1", "RASH", "2026-03-01"],
    ["S1", "2", "FEVER", "2026-03-02"],
    ["S2", "1", "COUGH", "2026-03-03"],
)
HIVES = ["S1", "1", "HIVES", "2026-03-01"]


def terms(feed) -> list[str]:
    assert feed.problem is None, feed.problem
    return feed.table["AETERM"].tolist()


@pytest.mark.parametrize("received", [None, 8])
@pytest.mark.parametrize(
    "names",
    [
        ("ae_20260301.csv", "ae_20260308.csv"),
        ("ae 2026-03-01.csv", "ae 2026-03-08.csv"),
        ("01MAR2026_ae.csv", "08MAR2026_ae.csv"),
        ("AE_20260308T0600.csv", "AE_20260308T1200.csv"),
        ("ae_20251231.csv", "ae_20260101.csv"),
    ],
)
def test_snapshots_with_dates_in_their_names_follow_one_another(study, deliver, names, received) -> None:
    older, newer = names
    files = [
        deliver(AE, *rows, name=name, received=received)
        for name, rows in ((older, (RASH, FEVER, COUGH)), (newer, (HIVES, FEVER, COUGH)))
    ]
    known = study(ae=files).known_at(END)
    assert terms(known.feeds["ae"]) == ["HIVES", "FEVER", "COUGH"]  # RASH is corrected, and counts no more
    changed = (
        [["corrected", "RASH", "HIVES"]] if received else []
    )  # as found, no time of the change is on record
    assert known.changes[["kind", "before", "after"]].to_numpy().tolist() == changed
    remarks = {one.name: one.remarks for one in known.feeds["ae"].deliveries}
    assert remarks[newer] == ()
    assert remarks[older][0].startswith("an older state of the feed, by the date in its name")


def test_a_record_that_the_newer_snapshot_lacks_is_deleted(study, deliver) -> None:
    more = [["S3", str(number), "ITCH", f"2026-03-{number:02}"] for number in range(1, 9)]
    files = [
        deliver(AE, RASH, FEVER, COUGH, *more, name="ae_20260301.csv"),
        deliver(AE, RASH, COUGH, *more, name="ae_20260308.csv"),
    ]
    assert "FEVER" not in terms(study(ae=files).known_at(END).feeds["ae"])


def test_snapshots_whose_names_tell_no_order_are_refused_by_name(study, deliver) -> None:
    files = [
        deliver(AE, RASH, FEVER, COUGH, name="ae_old.csv"),
        deliver(AE, HIVES, FEVER, COUGH, name="ae.csv"),
    ]
    feed = study(ae=files).known_at(END).feeds["ae"]
    assert feed.table is None
    assert "ae.csv and ae_old.csv found with 67% of the records of the smaller in both" in feed.problem
    assert "allowed: one file, parts that share no record" in feed.problem


def test_files_that_share_no_record_are_parts_whatever_their_names(study, deliver) -> None:
    for names in (("FR01.csv", "US01.csv"), ("ae_20260301.csv", "ae_20260308.csv")):
        for other in (COUGH, FEVER):  # of another subject, or of the same
            files = [deliver(AE, RASH, name=names[0]), deliver(AE, other, name=names[1])]
            assert terms(study(ae=files).known_at(END).feeds["ae"]) == ["RASH", other[2]]


def test_two_systems_that_measure_at_the_same_times_are_parts(study, deliver) -> None:
    vs = "USUBJID VSSEQ VSTESTCD VSORRES VSORRESU VSDTC"
    files = [
        deliver(vs, ["S1", number, "TEMP", value, unit, "2026-03-01T08:00"], name=f"{unit}.csv")
        for number, value, unit in (("1", "36.6", "C"), ("2", "97.9", "F"))
    ]
    assert len(study(vs=files).known_at(END).feeds["vs"].table) == 2


def test_a_newer_snapshot_of_one_part_replaces_that_part_alone(study, deliver) -> None:
    files = [
        deliver(AE, RASH, FEVER, name="ae_FR01_20260301.csv", received=1),
        deliver(AE, COUGH, name="ae_US01_20260301.csv", received=1),
        deliver(AE, HIVES, FEVER, name="ae_FR01_20260308.csv", received=8),
    ]
    assert terms(study(ae=files).known_at(END).feeds["ae"]) == ["HIVES", "FEVER", "COUGH"]


def test_a_part_under_a_new_name_is_not_counted_beside_the_old_one(study, deliver) -> None:
    same = [["S1", str(number), "ITCH", f"2026-03-{number:02}"] for number in range(3, 6)]
    files = [
        deliver(AE, RASH, *same, name="france.csv", received=1),
        deliver(AE, COUGH, name="america.csv", received=1),
        deliver(AE, HIVES, *same, name="france_new.csv", received=8),
    ]
    feed = study(ae=files).known_at(END).feeds["ae"]
    assert "france.csv and france_new.csv found with 75%" in feed.problem
    assert feed.table["AETERM"].tolist() == ["RASH", "ITCH", "ITCH", "ITCH", "COUGH"]  # what stood before
    # a delivery after it is not held to files that were no delivery
    files.append(deliver(AE, HIVES, *same, COUGH, name="all.csv", received=9))
    assert terms(study(ae=files).known_at(END).feeds["ae"]) == ["HIVES", "ITCH", "ITCH", "ITCH", "COUGH"]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (
            ["vs_part1of3.csv", "vs_part3of3.csv"],
            "a file in parts found without part 2; allowed: every part, from 1 to 3",
        ),
        (["vs (1 of 2).csv"], "a file in parts found without part 2"),
        (
            ["vs-00000-of-00002.parquet"],
            "a file in parts found without part 1; allowed: every part, from 0 to 1",
        ),
        (["vs_part1.csv", "vs_part3.csv"], "a file in parts found without part 2"),
        (["vs_part2.csv", "vs_part3.csv"], "a file in parts found without part 1"),
        (["vs_part1of2.csv", "vs_part2of2.csv"], None),
        (["vs_part1.csv", "vs_part2.csv", "ae_part2.csv"], None),
        (["part-00000-a.parquet", "part-00003-a.parquet"], None),
        (["site_1.csv", "site_3.csv", "FR01.csv"], None),
    ],
)
def test_numbered_parts_are_all_there_or_named(names: list[str], found: str | None) -> None:
    said = missing_parts(names)
    assert said is None if found is None else (said or "").startswith(found), said


@pytest.mark.parametrize("mode", ["cumulative", "incremental"])
def test_a_missing_part_is_the_problem_of_the_feed(study, deliver, mode: str) -> None:
    files = [deliver(AE, RASH, name="ae_1of2.csv", received=3)]
    feed = study(ae=files, modes=mode).known_at(END).feeds["ae"]
    assert feed.problem == "AE: a file in parts found without part 2; allowed: every part, from 1 to 2"
    files.append(deliver(AE, COUGH, name="ae_2of2.csv", received=3))
    assert terms(study(ae=files, modes=mode).known_at(END).feeds["ae"]) == ["RASH", "COUGH"]


def test_files_of_one_record_each_are_parts_whose_contents_may_be_alike(study, deliver) -> None:
    vs = "USUBJID VSSEQ VSTESTCD VSORRES VSORRESU VSDTC"
    files = [
        deliver(
            vs, ["S1", f"id-{one}", "TEMP", "36.6", "C", "2026-03-01T08:00"], name=f"Observation-{one}.csv"
        )
        for one in ("a", "b", "c")
    ]
    feed = study(vs=files).known_at(END).feeds["vs"]
    assert feed.problem is None
    assert len(feed.table) == 3


def test_snapshots_that_are_numbered_anew_are_snapshots(study, deliver) -> None:
    rows = [["ITCH", f"2026-03-{number:02}"] for number in range(1, 6)]
    older = [["S1", str(number), *row] for number, row in enumerate(rows, start=1)]
    newer = [["S1", str(number), *row] for number, row in enumerate(rows, start=2)]
    files = [deliver(AE, *older, name="one.csv"), deliver(AE, RASH, *newer, name="two.csv")]
    assert "one.csv and two.csv found with 100%" in study(ae=files).known_at(END).feeds["ae"].problem
