"""A made-up study is written into a new folder alone, never over another; a demo's may take the place of a demo's."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from checks.errors import UsageError
from flows.files import clear_leftovers, write_whole
from flows.own_folder import require_place

OF_A_DEMO = ".postdose-demo.json"
"""Marks the folder of a demo, and holds the SHA-256 of each file of its study as it was simulated."""

SIMULATED = ("protocol.yaml", "truth.json", "feeds")
LEFT_BY_LOOKS = (
    "closed",
    "deliveries",
    "design",
    "heads*",
    "looks",
    "outbox",
    "replay",
    "*.lock",
    "postdose.sqlite*",
)
"""What postdose leaves beside a protocol; all else in the folder of a demo is a person's."""


def require_new(out: Path) -> None:
    """Require of a folder that there is nothing in it, or that it is not there; a UsageError that names what is.

    The mark of a demo that begins is nothing.
    """
    names = _names(out)
    found = min((name for name in names if name != OF_A_DEMO), default=None)
    if found is not None:
        raise UsageError(f"--out {out}: found {found} there already; allowed: a new folder, or an empty one")


def begin_demo(out: Path) -> None:
    """Clear an earlier demo away, and mark the folder as a demo's.

    Raises
    ------
    UsageError
        When something is there that no demo wrote, or that was changed since.
    """
    names = _names(out)
    foreign = next(_foreign(out, names), None)
    if foreign is not None:
        raise UsageError(
            f"--out {out}: found {foreign} there, which no demo left so; allowed: a new folder, an empty one, or "
            "that of an earlier demo as it was left"
        )
    for one in (out / name for name in names):
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink()
    write_whole(out / OF_A_DEMO, "{}")


def end_simulation(out: Path) -> None:
    """Note what was simulated, so that a later demo knows whether it is still that."""
    told = {name: _sha256(out / name) for name in _simulated(out)}
    write_whole(out / OF_A_DEMO, json.dumps(told, indent=1) + "\n")


def _names(out: Path) -> list[str]:
    """Return what lies in a folder, made where it is not there; a UsageError where it cannot be written into."""
    require_place(out)
    clear_leftovers([out])
    return sorted(one.name for one in out.iterdir())


def _foreign(out: Path, names: list[str]) -> Iterator[str]:
    """Yield what in a folder is not as a demo left it; of one that was interrupted all of the study is its own."""
    ours = (OF_A_DEMO, *SIMULATED, *LEFT_BY_LOOKS) if OF_A_DEMO in names else ()
    yield from (name for name in names if not any(fnmatch(name, one) for one in ours))
    if OF_A_DEMO in names and (told := _noted(out / OF_A_DEMO)):
        yield from (name for name in _simulated(out) if told.get(name) != _sha256(out / name))


def _noted(mark: Path) -> dict[str, str]:
    try:
        found = json.loads(mark.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _simulated(out: Path) -> list[str]:
    """Return the files of the study itself, by their path in the folder."""
    files = (
        file
        for name in SIMULATED
        for one in [out / name]
        for file in (one, *one.rglob("*"))
        if file.is_file()
    )
    return sorted(str(file.relative_to(out)) for file in files)


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
