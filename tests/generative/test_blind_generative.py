"""Who is on which arm changes no byte of a blinded output: not its content, its size, its order, or its name.

The study of ``tests/fixtures/blind`` is written again with its subjects allocated otherwise, 3:1 or not: DM, EXTRT,
EXDOSE, form, lot and drug concentrations follow, and so do its mistakes, a later correction of what was given, and
a second delivery. Its outputs must be the same but for the hashes of the inputs.
"""

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from feed_files import read_feed
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ledgers import seen_of

from checks.blinding import blind_deliveries
from checks.knowledge import Deliveries
from checks.looks import look_at
from checks.protocol import StudyProtocol, load_protocol
from checks.signals import update_signals
from checks.tables import DeliveredTable, Delivery
from flows.alerts import Looked, alerts_of_look
from flows.looks.files import write_files
from flows.pages.message import look_facts
from flows.pages.report.page import render_report
from flows.pages.terminal import text_summary

FIXTURE = Path(__file__).parents[1] / "fixtures" / "blind"
CUTOFF = datetime(2024, 6, 12, 6, tzinfo=UTC)
RECEIVED = (datetime(2024, 6, 10, 22, tzinfo=UTC), datetime(2024, 6, 12, 5, tzinfo=UTC))
NAMES = ("QZACTIVE", "QZCONTROL")
SUBJECTS = tuple(f"S{number}" for number in range(1, 9))
FIRST = frozenset({"S3", "S7"})
"""Those on QZCONTROL in the study as it is written."""

AMOUNTS = {"QZACTIVE": ("731.25", "700.5"), "QZCONTROL": ("0", "0")}
"""What each arm is given, and what a correction says that it was given."""

Rows = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Habits:
    """How the sites write what tells the arm: whether placebo has an amount, and whether EX is sorted by arm."""

    placebo_blank: bool = False
    sorted_by_arm: bool = False
    numbered: bool = True
    incremental: bool = False


def read(name: str) -> Rows:
    with (FIXTURE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def arm(subject: str, control: frozenset[str]) -> str:
    return "QZCONTROL" if subject in control else "QZACTIVE"


def demographics(control: frozenset[str]) -> Rows:
    """DM; the subject without an arm stays without one."""
    names = ("ARMCD", "ARM", "ACTARMCD", "ACTARM")
    return [
        row | {name: arm(row["USUBJID"], control) if row[name] else "" for name in names}
        for row in read("dm.csv")
    ]


def administered(row: Mapping[str, str], control: frozenset[str], habits: Habits) -> dict[str, str]:
    """A row of EX as it would be on the subject's arm; a mistake stays the mistake that it is."""
    name = arm(row["USUBJID"], control)
    sound = dict(zip(("731.25", "700.5", "0"), (*AMOUNTS[name], AMOUNTS[name][0]), strict=True))
    amount = sound.get(row["EXDOSE"], row["EXDOSE"])
    if habits.placebo_blank and name == "QZCONTROL" and amount == "0":
        amount = ""
    treatment = {"": "", "QZACTVE": name.replace("T", "", 1)}.get(row["EXTRT"], name)
    return dict(row) | {
        "EXTRT": treatment,
        "EXDOSE": amount,
        "EXDOSU": "mg" if amount else "",
        "EXDOSFRM": f"QZFORM{name[2]}",
        "EXLOT": f"QZLOT{name[2]}",
    }


def exposure(control: frozenset[str], habits: Habits) -> Rows:
    rows = read("ex.csv")
    if habits.placebo_blank:  # one missing amount among others cannot be written where all are missing
        rows = [row for row in rows if row["EXDOSE"]]
    given = [administered(row, control, habits) for row in rows]
    if not habits.numbered:
        given = [{name: text for name, text in row.items() if name != "EXSEQ"} for row in given]
    return sorted(given, key=lambda row: row["EXTRT"]) if habits.sorted_by_arm else given


def corrected(rows: Rows, control: frozenset[str]) -> Rows:
    """The same rows after one subject's amount and another's treatment were corrected within their arms."""
    changed = []
    for row in rows:
        name = arm(row["USUBJID"], control)
        if (row["USUBJID"], row["EXSTDTC"]) == ("S4", "2024-06-10T08:00"):
            changed.append(row | {"EXDOSE": AMOUNTS[name][1] if row["EXDOSE"] else ""})
        elif (row["USUBJID"], row["EXSTDTC"]) == ("S6", "2024-06-11T08:00"):
            changed.append(row | {"EXTRT": name.lower(), "EXSTDTC": "2024-06-11T08:10"})
        else:
            changed.append(row)
    return changed


def concentrations(control: frozenset[str]) -> Rows:
    """PC: rows of treated subjects alone."""
    return [
        {"USUBJID": subject, "PCSEQ": str(number), "PCTESTCD": "QZASSAY", "PCORRES": f"12{number}.5"}
        for subject in SUBJECTS
        if subject not in control
        for number in (1, 2)
    ]


def write(rows: Rows, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def arrived(domain: str, rows: Rows, received: datetime | None, folder: Path) -> DeliveredTable:
    path = folder / f"{domain}.csv"
    write(rows, path)
    feed = read_feed(str(path), domain=domain.upper())
    assert feed.table is not None
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return DeliveredTable(Delivery(path.name, digest, len(rows), received), feed.table)


def delivered(
    control: frozenset[str], habits: Habits, folder: Path
) -> Mapping[str, Sequence[DeliveredTable]]:
    exposed = exposure(control, habits)
    first = [row for row in exposed if "2024-06-10" in row["EXSTDTC"]]
    earlier, later = RECEIVED
    second = corrected(exposed, control)
    files = {
        "dm": [arrived("dm", demographics(control), earlier, folder)],
        "ex": [
            arrived("ex", first, earlier - timedelta(hours=1), folder),
            arrived("ex", exposed, earlier, folder),
            arrived("ex", second, later, folder),
        ],
        "vs": [arrived("vs", read("vs.csv"), later, folder)],
        "ae": [arrived("ae", read("ae.csv"), later, folder)],
        "pc": [arrived("pc", concentrations(control), later, folder)],
    }
    return {domain: blind_deliveries(domain, some, NAMES) for domain, some in files.items()}


def protocol_of(habits: Habits) -> StudyProtocol:
    protocol = load_protocol(FIXTURE / "protocol.yaml")
    mode = "incremental" if habits.incremental else "cumulative"
    feeds = protocol.feeds.model_copy(update={"ex": protocol.feeds.ex.model_copy(update={"mode": mode})})
    changed = protocol.model_copy(update={"feeds": feeds})
    return changed.read_from(protocol.folder, protocol.sha256)


def outputs(control: frozenset[str], habits: Habits) -> Mapping[str, bytes]:
    """Return every blinded output by name, with the hashes of inputs, and what follows from them, made alike."""
    protocol = protocol_of(habits)
    with TemporaryDirectory() as temporary:
        out = Path(temporary)
        known = Deliveries(delivered(control, habits, out), protocol).known_at(CUTOFF)
        (out / "looks").mkdir()
        look = look_at(known, protocol, data_cutoff=CUTOFF)
        document = look.document()
        signals = update_signals((), look.rules, "BLIND")
        document["signals"] = [
            {"id": one.id, "rule": one.rule, "state": str(one.state), "events": one.events} for one in signals
        ]
        states = {one.rule: str(one.state) for one in signals}
        looked = Looked(look_facts(document, protocol), states, known.changes, "report.html")
        entries = alerts_of_look(seen_of((), CUTOFF), looked, protocol, CUTOFF)
        write_files(look, document, out / "looks")
        render_report(document, doses=look.doses, protocol=protocol, out=out / "looks")
        written = {path.name: path.read_bytes() for path in (out / "looks").iterdir()}
    told = json.dumps([[one.payload, *(sent.message for sent in one.outgoing)] for one in entries]).encode()
    summary = text_summary(document, protocol, report=Path("report.html")).encode()
    hashes = [digest for feed in document["feeds"] for digest in feed["sha256"]]
    texts = written | {"alerts": told, "summary": summary}
    return dict(alike(texts, [*hashes, document["look_id"]]))


def alike(texts: Mapping[str, bytes], hashes: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for name, content in texts.items():
        same = content
        for digest in hashes:
            same = same.replace(digest.encode(), b"#" * len(digest))
        yield name, same


HABITS = {
    "placebo_is_0": Habits(),
    "placebo_is_blank": Habits(placebo_blank=True),
    "without_numbers": Habits(numbered=False),
    "incremental": Habits(incremental=True),
}


@cache
def as_written(name: str) -> Mapping[str, bytes]:
    return outputs(FIRST, HABITS[name])


allocations = st.sets(st.sampled_from(SUBJECTS), min_size=2, max_size=6).map(frozenset)
three_to_one = st.sets(st.sampled_from(SUBJECTS), min_size=2, max_size=2).map(frozenset)


@pytest.mark.parametrize(
    "name",
    [
        "placebo_is_0",
        pytest.param("placebo_is_blank", marks=pytest.mark.slow),
        pytest.param("without_numbers", marks=pytest.mark.slow),
        "incremental",
    ],
)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@example(control=frozenset({"S1", "S6"}))
@example(control=frozenset({"S4", "S8"}))
@given(control=three_to_one | allocations)
def test_another_allocation_changes_no_byte(name: str, control: frozenset[str]) -> None:
    again, before = outputs(control, HABITS[name]), as_written(name)
    assert list(again) == list(before)
    for file, content in again.items():
        assert content.decode() == before[file].decode(), file


def test_the_mistakes_are_among_what_is_written() -> None:
    """The outputs that do not differ do tell of withheld rows, possible cases, corrections and alerts."""
    written = as_written("placebo_is_0")
    assert written["quarantine.csv"].count(b"administration_clear") == 6
    assert b"EXSTDTC" in written["changes.csv"]
    assert b"possible" in written["cases.csv"]
    assert json.loads(written["look.json"])["verdict"] == "signal"
    assert json.loads(written["alerts"])
    assert as_written("placebo_is_blank")["quarantine.csv"].count(b"administration_clear") < 6


def test_a_feed_sorted_by_arm_is_told_by_its_row_numbers_alone() -> None:
    """The one limit: a row's number in a file is written, so a file that is sorted by arm is told by it."""
    first, second = (
        outputs(control, Habits(sorted_by_arm=True)) for control in (FIRST, frozenset({"S1", "S8"}))
    )
    assert first["quarantine.csv"] != second["quarantine.csv"]
    for name in first:
        if name == "quarantine.csv":
            rows = [
                [row | {"source_row": ""} for row in csv.DictReader(one[name].decode().splitlines())]
                for one in (first, second)
            ]
            assert rows[0] == rows[1]
        else:
            assert first[name] == second[name], name
