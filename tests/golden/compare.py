"""Compare the looks of this checkout with those of another commit: `python tests/golden/compare.py --against COMMIT`.

Each side makes the same studies with its own code (tests/golden/make.py) and looks at them; what belongs to the code
and the ledger is left out. With POSTDOSE_TEST_DATA set, the studies made of others' data are compared too.
Exits 0 when all are the same bytes, else 1.
"""

import argparse
import difflib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from golden.make import canonical  # noqa: E402  found by the line above


def make(checkout: Path, out: Path) -> "subprocess.Popen[bytes]":
    """Begin to make the documents of all studies with the code of a checkout."""
    environment = {**os.environ, "PYTHONPATH": f"{checkout}{os.pathsep}{checkout / 'tests'}"}
    command = [sys.executable, str(checkout / "tests" / "golden" / "make.py"), str(out)]
    return subprocess.Popen(command, cwd=checkout, env=environment, stdout=subprocess.DEVNULL)


def first_differences(before: Path, after: Path) -> Iterator[str]:
    """Yield, for each file of one study that differs, how many lines do and which come first."""
    for name in sorted({path.name for side in (before, after) if side.is_dir() for path in side.iterdir()}):
        texts = [_text(side / name) for side in (before, after)]
        if texts[0] != texts[1]:
            yield f"{name}: {_difference(*texts)}"


def _text(path: Path) -> str | None:
    """Return what is compared of a file; of look.json, what this checkout compares of it."""
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8")
    return canonical(json.loads(text)) if path.name == "look.json" else text


def _difference(before: str | None, after: str | None) -> str:
    if before is None or after is None:
        return f"only {'now' if before is None else 'before'}: {(before or after or '')[:300].rstrip()}"
    changed = [
        line
        for line in difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
        if not line.startswith(("---", "+++", "@@"))
    ]
    shown = "\n".join(f"    {line[:300]}" for line in changed[:4])
    return f"{len(changed)} lines\n{shown}"


def compare(before: Path, after: Path) -> int:
    """Print how many studies are the same on both sides, what first differs in each other one, and which are new.

    A study that only the older commit has is a difference.
    """
    studies, new = _studies(before), sorted(_studies(after) - _studies(before))
    counted: Counter[str] = Counter()
    for study in sorted(studies):
        found = list(first_differences(before / study, after / study))
        counted["different" if found else "identical"] += 1
        if found:
            print(f"{study}:", *found, sep="\n  ")
    print(
        f"{len(studies)} studies compared: {counted['identical']} identical, {counted['different']} different"
    )
    if new:
        print("not in the other commit, and not compared:", ", ".join(new))
    return 1 if counted["different"] else 0


def _studies(side: Path) -> set[str]:
    return {path.name for path in side.iterdir()}


def main() -> int:
    """Check the other commit out into a folder of its own, make the documents on both sides, and compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", required=True, metavar="COMMIT", help="a commit that has tests/golden")
    against = parser.parse_args().against
    with tempfile.TemporaryDirectory() as folder:
        other, before, after = (Path(folder) / name for name in ("checkout", "before", "after"))
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "-q", "--detach", str(other), against], check=True)
        try:
            making = [make(other, before), make(ROOT, after)]
            ended = [one.wait() for one in making]
            if any(ended):
                return 1
            return compare(before, after)
        finally:
            subprocess.run([*git, "remove", "--force", str(other)], check=True)


if __name__ == "__main__":
    sys.exit(main())
