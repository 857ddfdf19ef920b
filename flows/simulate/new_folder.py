"""A made-up study is written into a new folder alone: never over another."""

from pathlib import Path

from checks.errors import UsageError


def require_new(out: Path) -> None:
    """Require of a folder that there is nothing in it, or that it is not there; a UsageError that names what is."""
    if not out.exists():
        return
    found = min((one.name for one in out.iterdir()), default=None) if out.is_dir() else "a file"
    if found is not None:
        raise UsageError(f"--out {out}: found {found} there already; allowed: a new folder, or an empty one")
