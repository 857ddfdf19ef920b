"""Which deliveries make a feed, which rows come of them, and what is said when one cannot be used."""

from datetime import UTC, datetime

from checks.tables import DeliveredTable, Delivery

END = datetime(2026, 3, 31, tzinfo=UTC)
AE = "USUBJID AESEQ AETERM AESTDTC"
RASH, FEVER = ["S1", "1", "RASH", "2026-03-01"], ["S1", "2", "FEVER", "2026-03-02"]


def unread(name: str, received: int | None) -> DeliveredTable:
    at = None if received is None else datetime(2026, 3, received, 12, tzinfo=UTC)
    return DeliveredTable(Delivery(name, f"hash of {name}", 0, at), None, f"{name}: found a page")


def rows(feed, *columns: str) -> list[tuple]:
    table = feed.table[list(columns)].astype(object)
    return list(table.where(table.notna(), None).itertuples(index=False, name=None))


def test_nothing_delivered_is_no_table(study) -> None:
    feed = study().known_at(END).feeds["ae"]
    assert (feed.table, feed.problem, feed.deliveries) == (None, None, ())


def test_files_read_as_found_are_one_delivery(study, deliver) -> None:
    files = [deliver(AE, FEVER, name="b.csv"), deliver(AE, RASH, name="a.csv")]
    for mode in ("cumulative", "incremental"):
        feed = study(ae=files, modes=mode).known_at(END).feeds["ae"]
        assert rows(feed, "AESEQ", "source_file", "source_row") == [("1", "a.csv", 2), ("2", "b.csv", 2)]
        broken = study(ae=[*files, unread("c.csv", None)], modes=mode).known_at(END).feeds["ae"]
        assert (broken.table, broken.problem) == (None, "c.csv: found a page")


def test_a_location_without_a_file_is_a_problem_without_a_delivery(study) -> None:
    nothing = DeliveredTable(Delivery("ae", "", 0), None, "ae: found no file")
    feed = study(ae=[nothing]).known_at(END).feeds["ae"]
    assert (feed.table, feed.problem, feed.deliveries) == (None, "ae: found no file", ())


def test_one_delivery_with_two_versions_of_a_number_keeps_both(study, deliver) -> None:
    """Nothing says which holds: the check of the keys withholds both."""
    other = ["S1", "1", "HIVES", "2026-03-04"]
    for mode in ("cumulative", "incremental"):
        known = study(ae=[deliver(AE, RASH, other)], modes=mode).known_at(END)
        assert rows(known.feeds["ae"], "AETERM") == [("HIVES",), ("RASH",)]
        assert known.changes.empty


def test_records_that_say_the_same_are_not_one(study, deliver) -> None:
    twins = deliver(AE, RASH, ["S1", "5", *RASH[2:]], received=3)
    apart = [deliver(AE, RASH, received=3), deliver(AE, ["S1", "5", *RASH[2:]], received=4)]
    for files in ([twins], apart):
        feed = study(ae=files, modes="incremental").known_at(END).feeds["ae"]
        assert rows(feed, "AESEQ") == [("1",), ("5",)]


def test_a_number_written_as_a_decimal_is_the_same_number(study, deliver) -> None:
    files = [deliver(AE, RASH, received=3), deliver(AE, ["S1", "1.0", "HIVES", "2026-03-01"], received=4)]
    known = study(ae=files, modes="incremental").known_at(END)
    assert rows(known.feeds["ae"], "AETERM") == [("HIVES",)]
    assert list(known.changes["variable"]) == ["AETERM"]


def test_rows_without_a_subject_are_kept(study, deliver) -> None:
    nobody = [
        [None, "1", "RASH", None],
        [None, "1", "FEVER", None],
        ["USUBJID", "AESEQ", "AETERM", "AESTDTC"],
    ]
    files = [deliver(AE, *nobody, received=day) for day in (3, 4)]
    for mode in ("cumulative", "incremental"):
        feed = study(ae=files, modes=mode).known_at(END).feeds["ae"]
        assert sorted(rows(feed, "AETERM")) == [("AETERM",), ("FEVER",), ("RASH",)]
        assert feed.problem is None


def test_a_part_that_cannot_be_read_is_a_problem_until_it_comes_again(study, deliver) -> None:
    files = [deliver(AE, RASH, received=3, name="a.csv"), unread("b.csv", 4)]
    feed = study(ae=files, modes="incremental").known_at(END).feeds["ae"]
    assert (rows(feed, "AESEQ"), feed.problem) == ([("1",)], "b.csv: found a page")
    mended = [*files, deliver(AE, FEVER, received=5, name="b.csv")]
    feed = study(ae=mended, modes="incremental").known_at(END).feeds["ae"]
    assert (rows(feed, "AESEQ"), feed.problem) == ([("1",), ("2",)], None)


def test_a_file_with_nothing_but_its_header_is_shrunken(study, deliver) -> None:
    feed = study(ae=[deliver(AE, RASH, received=3), deliver(AE, received=4)]).known_at(END).feeds["ae"]
    assert rows(feed, "AESEQ") == [("1",)]
    assert feed.problem == (
        "AE: file.csv lacks 1 of the 1 records known before; allowed: at most 20.0% of them. They stay; ask the "
        "sender for the whole file"
    )


def test_the_only_event_of_a_subject_can_be_deleted(study, deliver) -> None:
    events = [[f"S{number}", "1", "RASH", "2026-03-01"] for number in range(1, 7)]
    files = [deliver(AE, *events, received=3), deliver(AE, *events[1:], received=4)]
    known = study(ae=files).known_at(END)
    assert (len(known.feeds["ae"].table), known.feeds["ae"].problem) == (5, None)
    assert list(known.changes[["USUBJID", "kind"]].itertuples(index=False, name=None)) == [("S1", "deleted")]


VS = "USUBJID VSSEQ VSTESTCD VSORRES VSDTC"
TWELVE = [[f"S{number}", seq, "TEMP", "37.0", "2026-03-01T08:00"] for number in range(1, 13) for seq in "12"]
"""Twelve subjects with two readings each."""


def test_vitals_without_one_subject_were_cut_short(study, deliver) -> None:
    """2 of 24 records are fewer than a whole delivery may lack, 20 %; but nobody's vitals are all taken back."""
    files = [deliver(VS, *TWELVE, received=3), deliver(VS, *TWELVE[2:], received=4)]
    known = study(vs=files).known_at(END)
    feed = known.feeds["vs"]
    assert sorted(rows(feed, "USUBJID", "VSSEQ")) == sorted((row[0], row[1]) for row in TWELVE)
    assert known.changes.empty
    assert feed.problem == (
        "VS: file.csv lacks 2 of the 24 records known before, and every record of 1 subjects; allowed: at most "
        "20.0% of them, and no whole subject. They stay; ask the sender for the whole file"
    )


def test_one_of_a_subjects_vitals_can_be_deleted(study, deliver) -> None:
    files = [deliver(VS, *TWELVE, received=3), deliver(VS, *TWELVE[1:], received=4)]
    known = study(vs=files).known_at(END)
    assert (len(known.feeds["vs"].table), known.feeds["vs"].problem) == (23, None)
    assert list(known.changes[["USUBJID", "record", "kind"]].itertuples(index=False, name=None)) == [
        ("S1", "VSSEQ=1", "deleted")
    ]


def test_a_column_that_a_later_delivery_lacks_is_no_correction(study, deliver) -> None:
    files = [deliver(AE, RASH, received=3), deliver("USUBJID AESEQ AETERM", RASH[:3], received=4)]
    known = study(ae=files).known_at(END)
    assert list(known.feeds["ae"].table.columns) == [
        "USUBJID",
        "AESEQ",
        "AETERM",
        "source_file",
        "source_row",
    ]
    assert known.changes.empty


def test_numbers_that_a_sender_begins_to_give_change_nothing(study, deliver) -> None:
    files = [
        deliver("USUBJID AETERM AESTDTC", RASH[:1] + RASH[2:], received=3),
        deliver(AE, RASH, received=4),
    ]
    known = study(ae=files).known_at(END)
    assert (len(known.feeds["ae"].table), len(known.changes), known.feeds["ae"].problem) == (1, 0, None)


def test_of_domains_that_no_rule_uses_no_change_is_listed(study, deliver) -> None:
    """A drug concentration tells the arm."""
    files = [
        deliver("USUBJID PCSEQ PCTESTCD PCORRES", ["S1", "1", "IL7", value], received=day)
        for day, value in ((3, "0"), (4, "120"))
    ]
    known = study(pc=files).known_at(END)
    assert list(known.feeds["pc"].table["PCORRES"]) == ["120"]
    assert known.changes.empty


def test_cumulative_files_received_together_are_one_delivery(study, deliver) -> None:
    files = [deliver(AE, RASH, received=3, name="fr.csv"), deliver(AE, FEVER, received=3, name="us.csv")]
    feed = study(ae=files).known_at(END).feeds["ae"]
    assert (rows(feed, "AESEQ"), feed.problem) == ([("1",), ("2",)], None)


def test_a_part_of_a_cumulative_delivery_is_replaced_by_the_one_of_its_name(study, deliver) -> None:
    """A file for each site; only that of site US changes, and later a site is added."""
    other = ["S2", "1", "FEVER", "2026-03-02"]
    parts = [deliver(AE, RASH, received=3, name="fr.csv"), deliver(AE, other, received=3, name="us.csv")]
    new = deliver(AE, ["S2", "1", "FEVER", "2026-03-03"], received=4, name="us.csv")
    more = deliver(AE, ["S3", "1", "RASH", "2026-03-05"], received=5, name="de.csv")
    known = study(ae=[*parts, new, more]).known_at(END)
    feed = known.feeds["ae"]
    assert rows(feed, "USUBJID", "AESTDTC", "source_file") == [
        ("S1", "2026-03-01", "fr.csv"), ("S2", "2026-03-03", "us.csv"), ("S3", "2026-03-05", "de.csv")
    ]  # fmt: skip
    assert feed.problem is None and len(feed.deliveries) == 4
    assert list(known.changes["delivery"]) == ["us.csv"]
