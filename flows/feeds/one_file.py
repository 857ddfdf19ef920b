"""One delivered file as a table, and the problem of one that is none, as any page, database or JSON can hold it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from checks.errors import FeedError
from flows.feeds.content import Content, FeedOptions
from flows.feeds.dates import dated
from flows.feeds.readers import reader_of
from flows.feeds.records import Rows, to_table, with_site

if TYPE_CHECKING:
    from flows.feeds.readers.fhir.export import Export

LONGEST_PROBLEM: Final = 2_000
"""Characters of a problem: what is found in a hostile file, such as all its columns, may have no end."""


def table_of(content: Content, options: FeedOptions, export: "Export | None") -> Rows:
    """Return the table of a file, by what the protocol says of its feed and the files beside it.

    Raises
    ------
    FeedError
        When it is none.
    Exception
        Whatever its reader meets.
    """
    reader = reader_of(content.file, content.name, options, export)
    read = to_table(reader(content, options), content.name, options.decimal)
    table = read.table if options.date_format is None else dated(read.table, options, content.name)
    return replace(read, table=table if options.site is None else with_site(table, options.site))


def unforeseen(name: str, error: Exception) -> FeedError:
    """Return the problem of a feed whose reading met what nobody foresaw; the error's own text may hold a value."""
    found = f"that its reader met {type(error).__name__}"
    return FeedError(name, found, "a file that can be read to its end")


def problem_text(error: FeedError) -> str:
    """Return a problem as text that can be written anywhere: no half characters, no NUL, not without end."""
    text = str(error).encode(errors="backslashreplace").decode().replace("\0", "\\0")
    return text if len(text) <= LONGEST_PROBLEM else f"{text[:LONGEST_PROBLEM]} ..."
