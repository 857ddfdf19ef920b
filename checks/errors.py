"""Say what went wrong, what to do about it, and with which exit code the command ends.

::

    PostdoseError                 1   a defect of ours, when nothing below fits
    ├── DefectError               1   what nobody foresaw, by its kind and place
    ├── UsageError                2   the command or a call was given something it cannot use
    │   ├── MissingLedgerError    2   there is no ledger where it should be
    │   └── DesignError           2   a stopping boundary or timing test has impossible parameters
    ├── ProtocolError             2   the study protocol file has problems (all of them, with lines)
    ├── FeedError                 3   a feed cannot be read
    │   ├── MissingFeedError      3   there is no file where it should arrive
    │   └── FeedTooLargeError     3   a file passes a limit as it is read
    ├── LedgerBrokenError         4   the ledger's chain does not verify
    │   └── FilesDifferError      4   files of looks are not as the ledger has them
    ├── DeliveryError            40   an alert could not be delivered
    └── LedgerWriteError         41   the ledger could not be written
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final


class PostdoseError(Exception):
    """The root of the tree; its message is written for the study team."""

    exit_code: ClassVar[int] = 1
    remedy: ClassVar[str] = "Report this as a defect, with the command that led to it."


class DefectError(PostdoseError):
    """What nobody foresaw, by its kind and place: its own words may quote a value of a feed."""


class UsageError(PostdoseError):
    """The command, or a call, was given something it cannot use."""

    exit_code = 2
    remedy = "See `postdose --help`."


class DesignError(UsageError, ValueError):
    """A stopping boundary or timing test was asked for with impossible parameters."""

    remedy = "Correct the design parameter that the message names."


ACCEPT_HEAD: Final = "`postdose ledger accept-head PROTOCOL --by NAME --reason TEXT`"
"""What a person says who goes on in a ledger that lacks what another one had."""


class MissingLedgerError(UsageError):
    """Where the ledger should be there is none."""

    remedy = (
        "Name the right one by its protocol or POSTDOSE_STATE; where it is lost, restore its newest backup, or go on "
        f"in a new one with {ACCEPT_HEAD}."
    )


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a study protocol file: where, what was found, what is allowed."""

    file: str
    line: int
    path: str
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.path}: found {self.found}; allowed: {self.allowed}"


class ProtocolError(PostdoseError):
    """The study protocol file cannot be used; carries every problem at once."""

    exit_code = 2
    remedy = "Correct each line named, then run `postdose check`."

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class FeedError(PostdoseError):
    """A feed cannot be read: names the file, what was found and what is allowed."""

    exit_code = 3
    remedy = "Ask the sender for the file again; the look says `not_assessable` until it can be read."

    def __init__(self, file: str, found: str, allowed: str) -> None:
        self.file, self.found, self.allowed = file, found, allowed
        super().__init__(f"{file}: found {found}; allowed: {allowed}")


class MissingFeedError(FeedError):
    """Where a feed should arrive there is no file to read."""


class FeedTooLargeError(FeedError):
    """A file passes, as it is read, what the protocol's ``limits`` allow of bytes, memory or time."""


class LedgerBrokenError(PostdoseError):
    """The ledger's chain does not verify; names the first bad record."""

    exit_code = 4
    remedy = "Keep the database as it is and compare it with its last backup."


class FilesDifferError(LedgerBrokenError):
    """The ledger verifies, and files of looks are not as it has them; names each."""

    remedy = (
        "The ledger holds, and tells what was written. Keep a copy of a file that differs, then restore it from its "
        "backup, or make the look again at its data cut-off into the same folder; move away what was added."
    )


class DeliveryError(PostdoseError):
    """An alert could not be delivered.

    ``permanent`` says that trying again would not help as things are set, ``retry_after_seconds`` how long the
    receiver asked to be left alone.
    """

    exit_code = 40
    remedy = "Mend the channel that the message names, then look again."

    def __init__(
        self, message: str, *, permanent: bool = False, retry_after_seconds: float | None = None
    ) -> None:
        self.permanent, self.retry_after_seconds = permanent, retry_after_seconds
        super().__init__(message)


class LedgerWriteError(PostdoseError):
    """The ledger could not be written; the verdict was printed all the same.

    ``damage`` says that its tables are not whole, rather than out of reach.
    """

    exit_code = 41
    remedy = "Check the ledger's database, then look again at the same data cut-off."

    def __init__(self, message: str, *, damage: bool = False) -> None:
        self.damage = damage
        super().__init__(message)
