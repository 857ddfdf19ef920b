"""Break the product, one line at a time, and say which tests notice: `python tests/mutants.py`.

Each mutant is one text that stands once in the product, and what is put in its place, in a copy of the checkout whose
tests pass. It is killed by the unit tests and worked examples, else by all tests but the slow ones, else it survived.
Exits 0 when all were killed; 1 when one survived, or its text stands no more: then find where it went.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]


class Mutant(NamedTuple):
    """What is broken, and the text that does it: ``old``, which stands once below ``where``, becomes ``new``."""

    breaks: str
    where: str
    old: str
    new: str


MUTANTS = (
    Mutant("a delivery of vitals without one subject deletes that subject", "checks/knowledge",
           "if not len(subjects) and lacking <=", "if lacking <="),
    Mutant("two measurements a whole last digit apart are one", "checks",
           "float(0.5 * 10.0", "float(1.0 * 10.0"),
    Mutant("a window observed for a quarter is evaluable", "checks/cases",
           "LEAST_OBSERVED = 0.5", "LEAST_OBSERVED = 0.25"),
    Mutant("a window that closes just after the data cut-off has elapsed", "checks/cases",
           "(closes <= pd.Timestamp(data_cutoff))",
           "(closes <= pd.Timestamp(data_cutoff) + pd.Timedelta(minutes=30))"),
    Mutant("an onset a moment before the window may lie in it", "checks/cases",
           "hours[0] < window[1] and hours[1] >= window[0]", "hours[0] < window[1] and hours[1] >= window[0] - 1"),
    Mutant("a case of which only the end reaches the window is no possible one", "checks/cases",
           "return hours[0] < window[1] and hours[1] >= window[0]",
           "return window[0] <= hours[0] < window[1]"),
    Mutant("an onset within the washout is new", "checks/cases",
           "since_shown < memory.washout", "since_shown < memory.washout / 2"),
    Mutant("a measurement that the next contradicts stands", "checks/cases",
           "abnormal & (in_run | again | ~contradicted)", "abnormal.copy()"),
    Mutant("what is present cannot become worse", "checks/cases",
           "beyond = level - base >= worsening.by - SLACK", "beyond = level - base >= 99.0"),
    Mutant("what has no instant is no possible case", "checks/cases",
           "loose = [one for one in (*pairs, *halves) if not one.instant]", "loose: list[Composite] = []"),
    Mutant("a component that is present is not observed", "checks/cases",
           "return Gap(begins, sees, until, observed)", "return Gap(begins, sees, until, begins >= 0)"),
    Mutant("quarantined doses leave the worst case too", "checks/cases",
           "if len(stands) < len(doses):", "if False:"),
    Mutant("a rate is crossed one event later", "checks/rules",
           "np.asarray(events >= fewest[", "np.asarray(events > fewest["),
    Mutant("a control event whose hour is in doubt is sure", "checks/cases",
           "and windows.surely_in_control(dose.hours(case.earliest, case.latest))", ""),
    Mutant("a signal is cleared with as many events as before", "checks",
           "known < before.events", "known <= before.events"),
    Mutant("a feed that cannot be trusted does not stop a look that found nothing", "checks",
           "if untrusted_feeds(feeds) or too_little", "if too_little"),
    Mutant("what was too little observed is evaluated all the same", "checks",
           "unobserved / elapsed <= protocol.limits.max_unobserved", "unobserved <= elapsed"),
    Mutant("a stale feed is trusted", "checks/validation",
           'self.outcome == "passed" and not self.stale and self.within_limit',
           'self.outcome == "passed" and self.within_limit'),
    Mutant("the names of treatments are told apart", "checks",
           "Names.LISTED: STUDY_DRUG", "Names.LISTED: text"),
    Mutant("the later of two local times is left out when clocks go back", "checks",
           "np.where(fine, np.minimum(first_before, first_after), first_before)", "first_after"),
    Mutant("a row that says it is deleted stays", "checks/knowledge",
           "(text(self.table, DELETED) == TAKEN_BACK)", "(text(self.table, DELETED) == 'YES')"),
    Mutant("a record of the ledger that was taken out of the chain is not missed", "flows/ledger",
           "if record.previous_sha256 != before.sha256:", "if False:"),
    Mutant("an alert that nobody takes is repeated at half the hours", "flows/alerts",
           "timedelta(hours=alert.plan.repeat_hours)", "timedelta(hours=alert.plan.repeat_hours / 2)"),
    Mutant("of Great Expectations every check that can be run passes", "checks/validation",
           'return "passed" if result.success else "failed"', 'return "passed"'),
    Mutant("no row that fails a check of Great Expectations is set apart", "checks/validation",
           'counts.get("unexpected_index_list") or []', "[]"),
)  # fmt: skip


QUICK = ("tests/unit", "tests/spec")


def find(mutant: Mutant, root: Path) -> Path | None:
    """Return the one file in which the text of a mutant stands; None when it stands nowhere, or more than once."""
    texts = {path: path.read_text(encoding="utf-8") for path in (root / mutant.where).rglob("*.py")}
    found = [path for path, text in texts.items() if mutant.old in text]
    return found[0] if len(found) == 1 and texts[found[0]].count(mutant.old) == 1 else None


def fails(root: Path, *tests: str) -> bool:
    """Whether some test fails in a copy of the checkout."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    options = ["-x", "-q", "-n", "auto", "--dist", "loadfile", "-p", "no:cacheprovider", "-m", "not slow"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=root,
        env=environment,
        capture_output=True,
        check=False,
    )
    if done.returncode not in {0, 1, 2}:
        raise RuntimeError(done.stdout.decode()[-2000:] + done.stderr.decode()[-2000:])
    return done.returncode != 0


def fate(mutant: Mutant, root: Path) -> str:
    """Break the copy, run the tests until one fails, and mend it."""
    path = find(mutant, root)
    if path is None:
        return "NOT FOUND"
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        if fails(root, *QUICK):
            return "killed by unit or spec"
        return "killed by all" if fails(root, "tests") else "SURVIVED"
    finally:
        path.write_text(whole, encoding="utf-8")


def main() -> int:
    """Try each mutant, or those that are named by a word of what they break."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="mutants whose description holds this text"
    )
    parser.add_argument("--find", action="store_true", help="only say where the text of each stands")
    chosen = parser.parse_args()
    mutants = [mutant for mutant in MUTANTS if chosen.only in mutant.breaks]
    if chosen.find:
        places = [find(mutant, ROOT) for mutant in mutants]
        for mutant, place in zip(mutants, places, strict=True):
            print(f"{place and place.relative_to(ROOT)}: {mutant.breaks}")
        return 0 if all(places) else 1
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "checkout"
        shutil.copytree(
            ROOT, copy, ignore=shutil.ignore_patterns(".git", "__pycache__", ".*_cache", ".hypothesis")
        )
        if fails(copy, *QUICK):
            print("the unit tests or worked examples fail with nothing broken: mend that first")
            return 1
        fates = []
        for mutant in mutants:
            fates.append(fate(mutant, copy))
            print(f"{fates[-1]}: {mutant.breaks}", flush=True)
    survived = sum(not one.startswith("killed") for one in fates)
    print(f"{len(fates)} mutants, {survived} not killed")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
