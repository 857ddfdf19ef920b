"""Where a command may write: into a folder without a study or feeds, and over what it wrote itself for its own."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from checks.errors import UsageError
from checks.protocol import StudyProtocol
from flows.files import make_writable

LISTINGS: Final = ("cases.csv", "doses.csv", "quarantine.csv", "changes.csv")
"""Of a look: what lies beside its pages and is no feed."""

OF_A_STUDY: Final = re.compile(
    r".*\.(?:ya?ml|(?:csv|tsv|ndjson)(?:\.gz)?|dsjc|xpt|sas7bdat|parquet)", re.IGNORECASE
)
"""Names of protocols and feeds, by endings that hardly another file has."""


def require_place(out: Path, option: str = "--out") -> None:
    """Make a folder, unless it is there, and require that files can be written in it.

    Raises
    ------
    UsageError
        When none can be made there, or nothing can be written.
    """
    with _no_place(out, option):
        make_writable(out)


def require_own(out: Path, protocol: StudyProtocol, names: Collection[str], *, told_by: str) -> None:
    """Require of a folder that the files which will be written are not there, or that the study's own are.

    ``told_by`` is the one of them that says whose they are: a JSON document, or the first of many lines. One that is
    empty was begun and says nothing yet. A folder that is not there, or cannot be, holds nothing.

    Raises
    ------
    UsageError
        When one of them is another study's, or nobody can say whose it is; when a protocol or feeds lie there, or a
        feed of the study arrives there: it would take in a listing.
    """
    try:
        there = sorted(name for name in names if (out / name).exists() or (out / name).is_symlink())
        if not out.is_dir():
            return
    except OSError:
        return
    study = protocol.study.id
    if there and not _is_of(out / told_by, study):
        raise UsageError(
            f"--out {out}: found {there[0]} there, and no {told_by} of study {study} with it; allowed: a new folder, "
            f"an empty one, or one that was written for {study}"
        )
    _require_no_study(out, "--out")
    for domain, feed in protocol.feeds.by_domain().items():
        if (protocol.folder / feed.path).resolve() == out.resolve():
            raise UsageError(
                f"--out {out}: found that the feed {domain} arrives there; allowed: another folder"
            )


def require_unwritten(folder: Path, texts: Mapping[str, str]) -> None:
    """Require of a folder for suites that each file is not there, or the same: a study's own have the same names.

    Raises
    ------
    UsageError
        When one is there that says something else, or that cannot be read; when a protocol or feeds lie there.
    """
    require_place(folder, "--suites")
    for name, text in texts.items():
        file = folder / name
        if (file.exists() or file.is_symlink()) and not (
            file.is_file() and file.read_bytes() == text.encode()
        ):
            raise UsageError(
                f"--suites {folder}: found another {name} there; allowed: a new folder, an empty one, or the same "
                "suites"
            )
    _require_no_study(folder, "--suites")


def _require_no_study(out: Path, option: str) -> None:
    with _no_place(out, option):
        names = sorted(one.name for one in out.iterdir())
    found = next((one for one in names if OF_A_STUDY.fullmatch(one) and one not in LISTINGS), None)
    if found is not None:
        raise UsageError(
            f"{option} {out}: found {found} there, a protocol or a feed; allowed: a folder without them"
        )


@contextmanager
def _no_place(out: Path, option: str) -> Iterator[None]:
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"{option} {out}: found a file; allowed: a folder") from error
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "it is no name of a folder"
        raise UsageError(
            f"{option} {out}: found a place where no file can be written ({reason}); allowed: a folder of yours"
        ) from error


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
