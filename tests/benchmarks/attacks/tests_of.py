"""Attacks that the tests hold: each test of a kind is an attempt."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from pathlib import Path

from attacks.attempt import Attempt, Bench

ROOT = Path(__file__).parents[3]
TESTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    name: (f"{kind} (tests)", tuple(f"tests/integration/test_{file}.py" for file in files))
    for name, kind, *files in (
        ("record", "ledger, outbox and files rewritten", "outbox_against_records", "tampered_records",
         "ledger_quarantine"),
        ("store", "deliveries and receipts rewritten", "custody_of_deliveries", "delivery_store_faults"),
        ("places", "feeds that are no regular files", "hostile_places"),
        ("readers", "bombs and mutations, by their readers", "hostile_feeds"),
        ("steps", "steps after the verdict, each broken", "steps_after_the_verdict"),
        ("code", "code from another account or a page", "who_may_run_code"),
        ("files", "files that others read, or half written", "private_files"),
    )
}  # fmt: skip
"""The kind of each part, and the files of its tests."""


def tests_of(part: str, bench: Bench) -> Iterator[Attempt]:
    """Run the tests of a part and yield an attempt for each that was not skipped."""
    kind, files = TESTS[part]
    if bench.done:
        return
    told = bench.work / f"{part}.xml"
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={told}", *files],
        cwd=ROOT, check=False,
    )  # fmt: skip
    for case in ElementTree.parse(told).iter("testcase"):
        if case.find("skipped") is None:
            wrong = next((one for one in case if one.tag in ("failure", "error")), None)
            said = "" if wrong is None else wrong.get("message", "")[:300]
            yield Attempt(part, kind, f"{case.get('classname')}::{case.get('name')}", wrong is None, said)
