"""Whether something could be written to a folder, without leaving anything in it."""

import tempfile
from pathlib import Path


def unwritable(folder: Path) -> str | None:
    """Return why nothing can be written to a folder, or to the nearest one above it that is there; None if it can."""
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            return None
    except OSError as error:
        return error.strerror or type(error).__name__
