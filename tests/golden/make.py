"""Write the documents of every golden study: `python tests/golden/make.py OUT`, or `--expected` for those kept here.

Read the difference that `--expected` makes (`git diff tests/golden/expected`) before you keep it: each says that
postdose answers otherwise than before.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from golden.looking import make_look  # noqa: E402  found by the line above
from golden.studies import INSIDE, LISTED, Maker, outside  # noqa: E402  likewise

EXPECTED = Path(__file__).parent / "expected"
LISTINGS = ("cases.csv", "doses.csv", "quarantine.csv", "changes.csv")
IDS = ("protocol_sha256", "code_version", "look_id", "ledger", "signals", "standing", "delivery")
"""What look.json says of the bytes of the protocol file, of the code and of the ledger, not of the study."""


def canonical(document: Mapping[str, Any]) -> str:
    """Return the text of a look.json that is compared: without what belongs to the code and the ledger."""
    kept = {name: value for name, value in document.items() if name not in IDS}
    return json.dumps(kept, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def documents(maker: Maker, folder: Path) -> Mapping[str, str]:
    """Make a study, look at it, and return the text of each file that is compared; of an error, its words."""
    study, out = folder / "study", folder / "out"
    study.mkdir(parents=True)
    protocol, cutoff = maker(study)
    try:
        make_look(protocol, cutoff, out)
    except Exception as error:
        return {"error.txt": f"{type(error).__name__}: {error}\n".replace(str(study), "STUDY")}
    return documents_of(out)


def documents_of(out: Path) -> Mapping[str, str]:
    """Return the text of each file of a look that is compared."""
    look = json.loads((out / "look.json").read_text(encoding="utf-8"))
    listings = {name: (out / name).read_text(encoding="utf-8") for name in LISTINGS}
    return {"look.json": canonical(look), **listings}


def write(name: str, maker: Maker, into: Path, kept: tuple[str, ...]) -> str:
    """Write those files of one study that are kept, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        made = documents(maker, Path(folder))
    shutil.rmtree(into / name, ignore_errors=True)
    (into / name).mkdir(parents=True)
    for file, text in made.items():
        if file in kept:
            (into / name / file).write_text(text, encoding="utf-8")
    return name


def write_all(studies: Iterable[tuple[str, Maker]], into: Path, *, everything: bool) -> None:
    """Write the documents of many studies, on as many cores as there are."""
    with ProcessPoolExecutor() as pool:
        work = [
            pool.submit(write, name, maker, into, kept_of(name, everything=everything))
            for name, maker in studies
        ]
        for done in work:
            print(done.result(), flush=True)


def kept_of(name: str, *, everything: bool) -> tuple[str, ...]:
    """Return which files of a study are kept."""
    return ("look.json", "error.txt", *(LISTINGS if everything or name in LISTED else ()))


def main() -> None:
    """Write into a folder all studies, or into ``expected/`` those whose documents are kept there."""
    parser = argparse.ArgumentParser(description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("out", nargs="?", type=Path, help="a folder for the documents of all studies")
    where.add_argument(
        "--expected", action="store_true", help="write anew what is kept in tests/golden/expected"
    )
    chosen = parser.parse_args()
    if chosen.expected:
        write_all(INSIDE.items(), EXPECTED, everything=False)
        return
    data = os.environ.get("POSTDOSE_TEST_DATA")
    more = outside(Path(data) / "data") if data else ()
    write_all([*INSIDE.items(), *more], chosen.out, everything=True)


if __name__ == "__main__":
    main()
