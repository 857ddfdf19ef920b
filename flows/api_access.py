"""Who may have the Prefect API run code: whoever has its password, made once, in a file of the serving account alone.

Without one any account of the machine may, and any page in a browser on it. Prefect asks for it in a header that no
page of another origin can add, and on every request but that for its health; so a page that has the name of its own
host resolve to this machine gets no further than any other.
"""

import logging
import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from checks.errors import UsageError
from flows.files import make_folder, opened_folder, write_in
from flows.settings import AUTH_FILE, PRIVATE

LOGGER = logging.getLogger("postdose")

ASKED: Final = "PREFECT_SERVER_API_AUTH_STRING"
GIVEN: Final = "PREFECT_API_AUTH_STRING"
"""What a server asks for, and what its clients give: ``USER:PASSWORD``."""

URL: Final = "PREFECT_API_URL"
OTHERS: Final = 0o077
"""The bits of a mode that let anybody but the owner in."""

BYTES: Final = 32
"""Of randomness in a password that is made: 256 bits cannot be tried out."""


def api_access(environ: Mapping[str, str], *, lasting: bool) -> dict[str, str]:
    """Return what a Prefect server and its clients are to be told, besides what the environment tells them.

    ``lasting`` is whether other processes are to have the password too: then it is that of the file, which is made
    where it is not there. A look that starts a server for itself makes one up where there is none.

    Raises
    ------
    UsageError
        When it is lasting, and the file cannot be made or read, or others can read it.
    """
    asked = environ.get(ASKED) or environ.get(GIVEN) or _password(environ, lasting=lasting)
    if asked is None:
        return {}
    told = {ASKED: asked}
    if _may_have_it(environ):
        told[GIVEN] = asked
    return {name: value for name, value in told.items() if not environ.get(name)}


def auth_file(environ: Mapping[str, str]) -> Path:
    """Return where the password is kept: what the environment names, else beside Prefect's own folder.

    Raises
    ------
    UsageError
        When the account has no home folder, and nothing else is named.
    """
    if environ.get(AUTH_FILE):
        return Path(environ[AUTH_FILE])
    try:
        home = Path(environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
    except RuntimeError as error:
        raise UsageError(f"{AUTH_FILE}: found nothing, and no home folder; allowed: a file") from error
    return home.with_name(f"{home.name}-auth")


def kept_password(environ: Mapping[str, str]) -> str | None:
    """Return the password of the file; None where there is no file.

    Raises
    ------
    UsageError
        When it cannot be read, holds none, or is ours and others can read it.
    """
    file = auth_file(environ)
    try:
        status, text = file.stat(), file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"{AUTH_FILE}: found {file}, which cannot be read ({reason})") from error
    if ":" not in text or not text.isprintable():
        raise UsageError(f"{file}: found no password; allowed: USER:PASSWORD, on one line")
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid == os.geteuid() and mode & OTHERS:  # a secret of a container has another owner
        raise UsageError(
            f"{file}: found mode {mode:04o}; allowed: 0600, and a new password if others read it"
        )
    return text


def is_on_this_machine(url: str) -> bool:
    """Whether an address is of this machine alone."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _password(environ: Mapping[str, str], *, lasting: bool) -> str | None:
    if lasting:
        return kept_password(environ) or _make(auth_file(environ))
    with suppress(UsageError):  # which a look does not end for; `doctor` says so
        if kept := kept_password(environ):
            return kept
    return None if environ.get(URL) else _made_up()


def _made_up() -> str:
    return f"postdose:{secrets.token_urlsafe(BYTES)}"


def _make(file: Path) -> str:
    """Make the file with a password, or return that of another process which made it first."""
    part = f"{file.name}.{secrets.token_hex(8)}"
    try:
        make_folder(file.parent)
        with opened_folder(file.parent) as folder:
            write_in(folder, part, f"{_made_up()}\n".encode(), mode=PRIVATE)
            with suppress(FileExistsError):
                os.link(part, file.name, src_dir_fd=folder, dst_dir_fd=folder)
                LOGGER.info("Made %s: the password of Prefect's API, which its page asks for", file)
            os.unlink(part, dir_fd=folder)
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(
            f"{AUTH_FILE}: found {file}, which cannot be made ({error.strerror}); allowed: a file of yours"
        ) from error


def _may_have_it(environ: Mapping[str, str]) -> bool:
    """Whether the server that runs are reported to is one of ours, which may be given the password."""
    if environ.get("PREFECT_API_KEY"):
        return False
    url = environ.get(URL, "").strip()
    return not url or is_on_this_machine(url) or bool(environ.get(AUTH_FILE) or environ.get(ASKED))
