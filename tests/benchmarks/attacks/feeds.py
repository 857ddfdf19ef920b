"""Hostile files in a feed: the look is made, recorded and told; the next one, when the file is gone, as well.

Nothing that is written beside the deliveries and the protocol may hold a word of an arm, which the names and the
values of these files do.
"""

import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from attacks.attempt import Attempt, Bench, held
from attacks.hostile import HOSTILE, Write
from attacks.looks import look, study

VERDICTS = {0, 3, 10, 20, 30}
"""What a look exits with that was made, recorded and told; 3 names an unreadable feed that is needed."""

UNBLINDED = ("protocol.yaml", "feeds", "deliveries", "closed")
ARM = b"QZ"


def feeds(bench: Bench) -> Iterator[Attempt]:
    """Yield two attempts for each file: what became of the looks, and of the blind."""
    for kind, files in HOSTILE.items():
        for name, write in files.items():
            if f"{name}: blind" in bench.done:
                continue
            folder = study(bench.work / "feeds" / "study")
            yield Attempt("feeds", f"hostile feeds: {kind}", name, *held(partial(_two_looks, folder, write)))
            said = held(partial(_blind, folder))
            yield Attempt("feeds", "canary: arms in what is written", f"{name}: blind", *said)


def _two_looks(folder: Path, write: Write) -> str:
    write(folder / "feeds" / "ae")
    codes = [look(folder, 1).code]
    for one in (folder / "feeds" / "ae").iterdir():
        if one.name != "ae_1.csv":
            shutil.rmtree(one) if one.is_dir() and not one.is_symlink() else one.unlink()
    codes.append(look(folder, 2).code)
    assert set(codes) <= VERDICTS, codes
    return f"exit {codes[0]}, then {codes[1]}"


def _blind(folder: Path) -> str:
    """Require that no arm is told by what was written or printed."""
    count = 0
    for path in sorted(folder.rglob("*")):
        within = path.relative_to(folder)
        if within.parts[0] in UNBLINDED or "closed" in within.parts or not path.is_file():
            continue
        count += 1
        assert ARM not in os.fsencode(path.name), within
        assert ARM not in path.read_bytes(), within
    return f"{count} files"
