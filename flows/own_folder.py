"""What a command may write over: what it wrote itself for the same study, and nobody else's."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path

from checks.errors import UsageError


def require_own(out: Path, study: str, names: Collection[str], *, told_by: str) -> None:
    """Require of a folder that the files which will be written are not there, or that the study's own are.

    ``told_by`` is the one of them that says whose they are: a JSON document, or the first of many lines. One that is
    empty was begun and says nothing yet.

    Raises
    ------
    UsageError
        When one of them is another study's, or nobody can say whose it is.
    """
    there = sorted(name for name in names if (out / name).exists() or (out / name).is_symlink())
    if (out.exists() or out.is_symlink()) and not out.is_dir():
        raise UsageError(f"--out {out}: found a file; allowed: a folder")
    if there and not _is_of(out / told_by, study):
        raise UsageError(
            f"--out {out}: found {there[0]} there, and no {told_by} of study {study} with it; allowed: a new folder, "
            f"an empty one, or one that was written for {study}"
        )


def require_unwritten(folder: Path, texts: Mapping[str, str]) -> None:
    """Require of a folder for suites that each file is not there, or the same: a study's own have the same names.

    Raises
    ------
    UsageError
        When one is there that says something else, or that cannot be read.
    """
    for name, text in texts.items():
        file = folder / name
        if (file.exists() or file.is_symlink()) and not (
            file.is_file() and file.read_bytes() == text.encode()
        ):
            raise UsageError(
                f"--suites {folder}: found another {name} there; allowed: a new folder, an empty one, or the same "
                "suites"
            )


def _is_of(file: Path, study: str) -> bool:
    """Return whether a file of ours says that it is a study's."""
    if not file.is_file():
        return False
    text = file.read_bytes()
    for one in (text, text.partition(b"\n")[0]):
        try:
            said = json.loads(one)
        except (ValueError, RecursionError):
            continue
        return isinstance(said, dict) and said.get("study") == study and "schema" in said
    return not text
