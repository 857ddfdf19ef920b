"""Decide what a reader may take for granted about a feed: only what the study protocol tells."""

from dataclasses import dataclass

from checks.errors import UsageError


@dataclass(frozen=True, slots=True)
class Told:
    """Encoding, delimiter and decimal mark of a feed, as the protocol tells them.

    Raises
    ------
    UsageError
        When a delimited text cannot have such a delimiter, or a number such a decimal mark.
    """

    encoding: str | None = None
    delimiter: str = ","
    decimal: str = "."

    def __post_init__(self) -> None:
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n ':
            raise UsageError(
                f"delimiter: found {self.delimiter!r}; allowed: one character, such as ',' or ';'"
            )
        if self.decimal not in (".", ","):
            raise UsageError(f"decimal: found {self.decimal!r}; allowed: '.' or ','")
