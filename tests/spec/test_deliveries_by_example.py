"""Worked examples of deliveries: what a later one changes, and what it leaves as it was.

Each example shows the files as they arrived, with the day of receipt, then what is known, then what is listed
as changed. A full stop is a blank.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from checks.knowledge import Deliveries, Knowledge
from checks.protocol import StudyProtocol
from checks.protocol.feeds import Feeds
from checks.tables import DeliveredTable, Delivery

Known = Callable[..., Knowledge]


def day(number: int | None) -> datetime | None:
    """Noon of a day of March 2026; None is a file read as found."""
    return None if number is None else datetime(2026, 3, number, 12, tzinfo=UTC)


def rows_of(text: str) -> tuple[list[str], list[list[Any]]]:
    head, *lines = [line.split() for line in text.strip().splitlines()]
    return head, [[None if cell == "." else cell for cell in line] for line in lines]


def delivered(name: str, received: int | None, text: str) -> DeliveredTable:
    head, rows = rows_of(text)
    table = pd.DataFrame(rows, columns=head, dtype="str")
    table["source_file"] = pd.Series(name, index=table.index, dtype="str")
    table["source_row"] = range(2, len(table) + 2)
    return DeliveredTable(Delivery(name, f"hash of {name}", len(table), day(received)), table)


def shown(table: pd.DataFrame | None, *columns: str) -> str:
    assert table is not None
    cells = table[list(columns)].astype(object).where(table[list(columns)].notna(), ".")
    return "\n".join(" ".join(map(str, row)) for row in cells.itertuples(index=False))


def as_text(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def changes(known: Knowledge) -> str:
    """Return the listed changes, the day of receipt in place of the time."""
    table = known.changes.assign(known_at=known.changes["known_at"].dt.day)
    return shown(table, "USUBJID", "record", "kind", "variable", "before", "after", "known_at", "delivery")


@pytest.fixture
def known(protocol: StudyProtocol) -> Known:
    """What is known on a day of March 2026 of one domain's deliveries."""

    def at(
        on: int,
        *files: DeliveredTable,
        domain: str = "ae",
        mode: str = "cumulative",
        known_at: str | None = None,
    ) -> Knowledge:
        sources: dict[str, dict[str, Any]] = {
            "dm": {"path": "dm.csv"}, "ex": {"path": "ex.csv"}, "ae": {"path": "ae.csv"}
        }  # fmt: skip
        sources[domain] = {"path": "any.csv", "mode": mode, "known_at": known_at}
        study = protocol.model_copy(update={"feeds": Feeds.model_validate(sources)})
        moment = day(on)
        assert moment is not None
        return Deliveries({domain: files}, study).known_at(moment)

    return at


MONDAY = delivered(
    "monday.csv",
    2,
    """
    USUBJID  AESEQ  AETERM      AESTDTC           AESER
    S1       1      PYREXIA     2026-03-02T14:10  N
    S1       2      DYSPNOEA    2026-03-02T15:00  N
    S2       1      HEADACHE    2026-03-01        N
    S2       2      NAUSEA      2026-03-01        N
    S2       3      RASH        2026-03-01        N
    """,
)
AE = ("USUBJID", "AESEQ", "AETERM", "AESTDTC")


def test_the_time_of_an_event_is_corrected(known: Known) -> None:
    tuesday = delivered(
        "tuesday.csv",
        3,
        """
        USUBJID  AESEQ  AETERM      AESTDTC           AESER
        S1       1      PYREXIA     2026-03-02T13:40  N
        S1       2      DYSPNOEA    2026-03-02T15:00  Y
        S2       1      HEADACHE    2026-03-01        N
        S2       2      NAUSEA      2026-03-01        N
        S2       3      RASH        2026-03-01        N
        """,
    )
    before, after = known(2, MONDAY, tuesday), known(3, MONDAY, tuesday)
    assert shown(before.feeds["ae"].table, *AE).splitlines()[0] == "S1 1 PYREXIA 2026-03-02T14:10"
    assert changes(before) == ""
    assert shown(after.feeds["ae"].table, *AE).splitlines()[0] == "S1 1 PYREXIA 2026-03-02T13:40"
    assert changes(after) == as_text(
        """
        S1  AESEQ=1  corrected  AESTDTC  2026-03-02T14:10  2026-03-02T13:40  3  tuesday.csv
        S1  AESEQ=2  corrected  AESER    N                 Y                 3  tuesday.csv
        """
    )
    assert after.feeds["ae"].superseded == 2


def test_an_event_is_deleted_and_comes_back(known: Known) -> None:
    tuesday = delivered(
        "tuesday.csv",
        3,
        """
        USUBJID  AESEQ  AETERM      AESTDTC           AESER
        S1       1      PYREXIA     2026-03-02T14:10  N
        S2       1      HEADACHE    2026-03-01        N
        S2       2      NAUSEA      2026-03-01        N
        S2       3      RASH        2026-03-01        N
        """,
    )
    wednesday = delivered(
        "wednesday.csv",
        4,
        """
        USUBJID  AESEQ  AETERM      AESTDTC           AESER
        S1       1      PYREXIA     2026-03-02T14:10  N
        S1       2      DYSPNOEA    2026-03-02T15:00  N
        S2       1      HEADACHE    2026-03-01        N
        S2       2      NAUSEA      2026-03-01        N
        S2       3      RASH        2026-03-01        N
        """,
    )
    gone = known(3, MONDAY, tuesday, wednesday)
    assert "DYSPNOEA" not in shown(gone.feeds["ae"].table, *AE)
    assert gone.feeds["ae"].problem is None
    assert changes(gone) == as_text("S1  AESEQ=2  deleted  .  .  .  3  tuesday.csv")
    back = known(4, MONDAY, tuesday, wednesday)
    assert "DYSPNOEA" in shown(back.feeds["ae"].table, *AE)
    assert changes(back) == as_text(
        """
        S1  AESEQ=2  deleted   .  .  .  3  tuesday.csv
        S1  AESEQ=2  restored  .  .  .  4  wednesday.csv
        """
    )


SHRUNKEN = {
    "a subject is missing altogether": """
        USUBJID  AESEQ  AETERM      AESTDTC           AESER
        S2       1      HEADACHE    2026-03-01        N
        S2       2      NAUSEA      2026-03-01        N
        S2       3      RASH        2026-03-01        N
        """,
    "too many records are missing": """
        USUBJID  AESEQ  AETERM      AESTDTC           AESER
        S1       1      PYREXIA     2026-03-02T14:10  N
        S2       1      HEADACHE    2026-03-01        N
        """,
}


@pytest.mark.parametrize("rest", SHRUNKEN.values(), ids=SHRUNKEN)
def test_a_shrunken_delivery_deletes_nothing_and_says_so(known: Known, rest: str) -> None:
    one = known(3, MONDAY, delivered("tuesday.csv", 3, rest))
    assert shown(one.feeds["ae"].table, *AE) == shown(known(2, MONDAY).feeds["ae"].table, *AE)
    assert changes(one) == ""
    assert one.feeds["ae"].problem is not None
    assert one.feeds["ae"].problem.startswith("AE: tuesday.csv lacks ")
    # The whole file puts it right, and nothing was ever deleted.
    mended = known(4, MONDAY, delivered("tuesday.csv", 3, rest), delivered("again.csv", 4, WHOLE))
    assert (mended.feeds["ae"].problem, changes(mended)) == (None, "")


WHOLE = """
    USUBJID  AESEQ  AETERM      AESTDTC           AESER
    S2       3      RASH        2026-03-01        N
    S2       2      NAUSEA      2026-03-01        N
    S2       1      HEADACHE    2026-03-01        N
    S1       2      DYSPNOEA    2026-03-02T15:00  N
    S1       1      PYREXIA     2026-03-02T14:10  N
    """


def test_a_reordered_delivery_changes_nothing(known: Known) -> None:
    one = known(3, MONDAY, delivered("tuesday.csv", 3, WHOLE))
    assert shown(one.feeds["ae"].table, *AE) == shown(known(2, MONDAY).feeds["ae"].table, *AE)
    assert changes(one) == ""


@pytest.mark.parametrize("mode", ["cumulative", "incremental"])
def test_renumbered_events_are_not_corrected(known: Known, mode: str) -> None:
    """CHILLS was entered late; the sender counts the events of S1 anew, in the order of their times."""
    tuesday = delivered(
        "tuesday.csv",
        3,
        """
        USUBJID  AESEQ  AETERM      AESTDTC           AESER
        S1       1      CHILLS      2026-03-02T13:55  N
        S1       2      PYREXIA     2026-03-02T14:10  N
        S1       3      DYSPNOEA    2026-03-02T15:00  N
        S2       1      HEADACHE    2026-03-01        N
        S2       2      NAUSEA      2026-03-01        N
        S2       3      RASH        2026-03-01        N
        """,
    )
    one = known(3, MONDAY, tuesday, mode=mode)
    assert sorted(shown(one.feeds["ae"].table, "USUBJID", "AETERM").splitlines()) == [
        "S1 CHILLS", "S1 DYSPNOEA", "S1 PYREXIA", "S2 HEADACHE", "S2 NAUSEA", "S2 RASH"
    ]  # fmt: skip
    assert changes(one) == ""


def test_without_numbers_subject_term_and_time_name_the_event(known: Known) -> None:
    monday, tuesday = (
        delivered(
            f"{name}.csv",
            on,
            f"""
            USUBJID  AETERM    AESTDTC           AESER
            S1       PYREXIA   2026-03-02T14:10  {serious}
            S1       DYSPNOEA  2026-03-02T15:00  N
            """,
        )
        for name, on, serious in (("monday", 2, "N"), ("tuesday", 3, "Y"))
    )
    assert changes(known(3, monday, tuesday)) == as_text(
        "S1  PYREXIA 2026-03-02T14:10  corrected  AESER  N  Y  3  tuesday.csv"
    )


VITALS = ("USUBJID", "VSSEQ", "VSTESTCD", "VSDTC", "VSORRES")
FIRST = """
    USUBJID  VSSEQ  VSTESTCD  VSDTC             VSORRES
    S1       1      TEMP      2026-03-02T08:00  37.0
    S1       2      TEMP      2026-03-02T12:00  37.2
    """
SECOND = """
    USUBJID  VSSEQ  VSTESTCD  VSDTC             VSORRES
    S1       2      TEMP      2026-03-02T12:00  38.6
    S1       3      TEMP      2026-03-02T16:00  38.1
    """


def test_increments_add_up_and_the_later_version_holds(known: Known) -> None:
    files = delivered("first.csv", 2, FIRST), delivered("second.csv", 3, SECOND)
    one = known(3, *files, domain="vs", mode="incremental")
    assert shown(one.feeds["vs"].table, *VITALS) == as_text(
        """
        S1  1  TEMP  2026-03-02T08:00  37.0
        S1  2  TEMP  2026-03-02T12:00  38.6
        S1  3  TEMP  2026-03-02T16:00  38.1
        """
    )
    assert changes(one) == as_text("S1  VSSEQ=2  corrected  VSORRES  37.2  38.6  3  second.csv")
    assert (one.feeds["vs"].superseded, one.feeds["vs"].not_yet_known) == (1, 0)


def test_an_old_file_sent_again_changes_nothing(known: Known) -> None:
    files = delivered("first.csv", 2, FIRST), delivered("second.csv", 3, SECOND)
    again = known(4, *files, delivered("first_again.csv", 4, FIRST), domain="vs", mode="incremental")
    before = known(3, *files, domain="vs", mode="incremental")
    assert shown(again.feeds["vs"].table, *VITALS) == shown(before.feeds["vs"].table, *VITALS)
    assert changes(again) == changes(before)
    assert again.feeds["vs"].superseded == 3  # the corrected row, and the two that came twice


THIRD = """
    USUBJID  VSSEQ  VSTESTCD  VSDTC             VSORRES
    S1       2      TEMP      2026-03-02T12:00  37.2
    """


def test_a_value_is_corrected_back(known: Known) -> None:
    """37.2, then 38.6, then 37.2 again, in a file that was never sent: the newer receipt holds."""
    files = [delivered(f"{on}.csv", on, text) for on, text in ((2, FIRST), (3, SECOND), (4, THIRD))]
    one = known(4, *files, domain="vs", mode="incremental")
    assert shown(one.feeds["vs"].table, "VSSEQ", "VSORRES").splitlines()[1] == "2 37.2"
    assert changes(one) == as_text(
        """
        S1  VSSEQ=2  corrected  VSORRES  37.2  38.6  3  3.csv
        S1  VSSEQ=2  corrected  VSORRES  38.6  37.2  4  4.csv
        """
    )
    before = known(3, *files, domain="vs", mode="incremental")
    assert shown(before.feeds["vs"].table, "VSSEQ", "VSORRES").splitlines()[1] == "2 38.6"


def test_by_their_own_word_what_comes_again_is_the_version_it_was(known: Known) -> None:
    """With the time of entry the same row says itself that it is the older one."""
    head = "USUBJID  VSSEQ  VSTESTCD  VSDTC  VSORRES  ENTERED\n"
    old = head + "S1 2 TEMP 2026-03-02T12:00 37.2 2026-03-02T13:00Z"
    new = head + "S1 2 TEMP 2026-03-02T12:00 38.6 2026-03-03T09:00Z"
    other = "\nS1 9 TEMP 2026-03-04T09:00 36.9 2026-03-04T10:00Z"
    files = [delivered(f"{on}.csv", on, text) for on, text in ((2, old), (3, new), (4, old + other))]
    one = known(4, *files, domain="vs", mode="incremental", known_at="ENTERED")
    assert shown(one.feeds["vs"].table, "VSORRES").split() == ["38.6", "36.9"]


def test_increments_that_overlap_correct_nothing_back(known: Known) -> None:
    """Each day brings the rows of two days: what holds comes again beside what is new."""
    head = "USUBJID  VSSEQ  VSTESTCD  VSDTC  VSORRES\n"
    old, new = (f"S1 2 TEMP 2026-03-02T12:00 {value}\n" for value in ("37.2", "38.6"))
    days = {2: old, 3: new, 4: new + "S1 3 TEMP 2026-03-04T12:00 37.0\n", 5: new}
    files = [delivered(f"{on}.csv", on, head + rows) for on, rows in days.items()]
    one = known(5, *files, domain="vs", mode="incremental")
    assert shown(one.feeds["vs"].table, "VSORRES").split() == ["38.6", "37.0"]
    assert changes(one) == as_text("S1  VSSEQ=2  corrected  VSORRES  37.2  38.6  3  3.csv")


def test_a_record_that_was_taken_back_is_restored_as_it_was(known: Known) -> None:
    head = "USUBJID  AESEQ  AETERM   AESTDTC  DELETED\n"
    row, other = "S1 1 DYSPNOEA 2026-03-02 .\n", "S1 2 RASH 2026-03-02 .\n"
    gone = "S1 1 DYSPNOEA 2026-03-02 Y\n"
    files = [delivered(f"{on}.csv", on, head + rows) for on, rows in ((2, row + other), (3, gone), (4, row))]
    assert shown(known(3, *files, mode="incremental").feeds["ae"].table, "AETERM") == "RASH"
    back = known(4, *files, mode="incremental")
    assert shown(back.feeds["ae"].table, "AETERM").split() == ["DYSPNOEA", "RASH"]
    assert changes(back) == as_text(
        """
        S1  AESEQ=1  deleted   .  .  .  3  3.csv
        S1  AESEQ=1  restored  .  .  .  4  4.csv
        """
    )


@pytest.mark.parametrize("word", ["Y", "y", "Yes", "TRUE", "T", "1", "1.0", "D", "DELETED", "Remove", "X"])
def test_a_record_is_taken_back_in_any_listed_word(known: Known, word: str) -> None:
    table = delivered("1.csv", 2, "USUBJID AESEQ AETERM AESTDTC DELETED\nS1 1 PYREXIA 2026-03-02 " + word)
    assert shown(known(2, table, mode="incremental").feeds["ae"].table, "AETERM") == ""


@pytest.mark.parametrize("word", ["N", "no", "False", "F", "0", ".", "Update", "PERHAPS"])
def test_by_any_other_word_a_record_stands(known: Known, word: str) -> None:
    """PERHAPS is neither: the row stands here, and validation withholds it."""
    table = delivered("1.csv", 2, "USUBJID AESEQ AETERM AESTDTC DELETED\nS1 1 PYREXIA 2026-03-02 " + word)
    assert shown(known(2, table, mode="incremental").feeds["ae"].table, "AETERM") == "PYREXIA"


def test_numbers_that_start_again_in_each_increment_replace_nothing(known: Known) -> None:
    """The sender counts the readings of each day from 1."""
    first, second = (
        delivered(
            f"day_{on}.csv",
            on,
            f"""
            USUBJID  VSSEQ  VSTESTCD  VSDTC              VSORRES
            S1       1      TEMP      2026-03-0{on}T08:00  37.{on}
            S1       2      TEMP      2026-03-0{on}T12:00  38.{on}
            S2       1      TEMP      2026-03-0{on}T08:00  36.{on}
            S2       2      TEMP      2026-03-0{on}T12:00  39.{on}
            """,
        )
        for on in (2, 3)
    )
    one = known(3, first, second, domain="vs", mode="incremental")
    assert sorted(shown(one.feeds["vs"].table, "VSORRES").split()) == [
        "36.2", "36.3", "37.2", "37.3", "38.2", "38.3", "39.2", "39.3"
    ]  # fmt: skip
    assert changes(one) == ""


def test_a_row_entered_late_is_known_when_it_was_entered(known: Known) -> None:
    """The file was read as found; DYSPNOEA was entered three days late, and no word says when RASH was."""
    found = delivered(
        "ae.csv",
        None,
        """
        USUBJID  AESEQ  AETERM      AESTDTC           ENTERED
        S1       1      PYREXIA     2026-03-02T14:10  2026-03-02T18:00Z
        S1       2      DYSPNOEA    2026-03-02T15:00  2026-03-05T09:00Z
        S2       1      RASH        2026-03-02        .
        """,
    )
    terms = {}
    for on in (2, 3, 5):
        feed = known(on, found, known_at="entered").feeds["ae"]
        terms[on] = (shown(feed.table, "AETERM").split(), feed.not_yet_known)
    assert terms == {2: (["RASH"], 2), 3: (["PYREXIA", "RASH"], 1), 5: (["PYREXIA", "DYSPNOEA", "RASH"], 0)}


def test_the_version_entered_last_holds_whatever_arrives_last(known: Known) -> None:
    head = "USUBJID  AESEQ  AETERM   AESTDTC           ENTERED\n"
    old = delivered("old.csv", 4, head + "S1 1 PYREXIA 2026-03-02T14:10 2026-03-02T18:00Z")
    new = delivered("new.csv", 3, head + "S1 1 PYREXIA 2026-03-02T13:40 2026-03-03T10:00Z")
    one = known(4, old, new, mode="incremental", known_at="ENTERED")
    assert shown(one.feeds["ae"].table, *AE) == "S1 1 PYREXIA 2026-03-02T13:40"
    assert changes(one) == as_text(
        "S1  AESEQ=1  corrected  AESTDTC  2026-03-02T14:10  2026-03-02T13:40  3  new.csv"
    )


def test_a_delivery_that_cannot_be_read_leaves_the_one_before(known: Known) -> None:
    broken = DeliveredTable(Delivery("tuesday.csv", "b", 0, day(3)), None, "tuesday.csv: found a zip archive")
    one = known(3, MONDAY, broken)
    assert shown(one.feeds["ae"].table, *AE) == shown(known(2, MONDAY).feeds["ae"].table, *AE)
    assert one.feeds["ae"].problem == "tuesday.csv: found a zip archive"
    assert [delivery.name for delivery in one.feeds["ae"].deliveries] == ["monday.csv", "tuesday.csv"]


def test_of_doses_only_times_and_status_are_listed(known: Known) -> None:
    head = "USUBJID  EXSEQ  EXTRT   EXDOSE  EXDOSU  EXSTAT    EXSTDTC\n"
    monday = delivered(
        "monday.csv", 2, head + "S1 1 PLACEBO 0 ug/kg . 2026-03-02T08:00\n S1 2 PLACEBO 0 . . 2026-03-05"
    )
    tuesday = delivered(
        "tuesday.csv", 3, head + "S1 1 CYT107 10 mg . 2026-03-02T08:05\n S1 2 PLACEBO . . NOT_DONE 2026-03-05"
    )
    one = known(3, monday, tuesday, domain="ex")
    assert changes(one) == as_text(
        """
        S1  EXSEQ=1  corrected  EXSTDTC  2026-03-02T08:00  2026-03-02T08:05  3  tuesday.csv
        S1  EXSEQ=2  corrected  EXSTAT   .                 NOT_DONE          3  tuesday.csv
        """
    )
    # Nor does a count tell that the amount of a dose was changed.
    amount = delivered(
        "amount.csv", 4, head + "S1 1 CYT107 20 mg . 2026-03-02T08:05\n S1 2 PLACEBO . . NOT_DONE 2026-03-05"
    )
    later = known(4, monday, tuesday, amount, domain="ex")
    assert (changes(later), later.feeds["ex"].superseded) == (changes(one), one.feeds["ex"].superseded)


def test_an_arm_that_was_changed_is_withheld(known: Known) -> None:
    head = "USUBJID  SITEID  ARM  ACTARMCD\n"
    files = (
        delivered("1.csv", 2, head + "S1 FR01 PLACEBO P"),
        delivered("2.csv", 3, head + "S1 US01 CYT107 C"),
    )
    one = known(3, *files, domain="dm")
    assert changes(one) == as_text(
        """
        S1  DM  corrected  SITEID    FR01      US01      3  2.csv
        S1  DM  corrected  ARM       withheld  withheld  3  2.csv
        S1  DM  corrected  ACTARMCD  withheld  withheld  3  2.csv
        """
    )


def test_a_record_that_is_taken_back_is_no_longer_known(known: Known) -> None:
    head = "USUBJID  AESEQ  AETERM   AESTDTC  DELETED\n"
    files = [
        delivered(f"{on}.csv", on, head + f"S1 1 PYREXIA 2026-03-02 {word}")
        for on, word in ((2, "."), (3, "Y"), (5, "N"))
    ]
    gone = known(4, *files, mode="incremental")
    assert gone.feeds["ae"].table is not None and gone.feeds["ae"].table.empty
    assert changes(gone) == as_text("S1  AESEQ=1  deleted  .  .  .  3  3.csv")
    back = known(5, *files, mode="incremental")
    assert shown(back.feeds["ae"].table, "AETERM") == "PYREXIA"
    assert changes(back).splitlines()[1] == as_text("S1  AESEQ=1  restored  .  .  .  5  5.csv")
