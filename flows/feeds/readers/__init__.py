"""Readers of deliveries: one module a form, each from bytes to records of text; registered here by file ending."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from checks.errors import FeedError
from flows.feeds.content import Content, FeedOptions, unzipped
from flows.feeds.readers import dataset_json, delimited, edc, parquet, sas
from flows.feeds.records import Records

if TYPE_CHECKING:
    from flows.feeds.readers.fhir.export import Export

Reader = Callable[[Content, FeedOptions], Records]

READERS: Mapping[str, Reader] = {
    ".csv": delimited.read,
    ".txt": delimited.read,
    ".tsv": delimited.read,
    ".xpt": sas.read_xpt,
    ".sas7bdat": sas.read_sas7bdat,
    ".json": dataset_json.read,
    ".ndjson": dataset_json.read_lines,
    ".dsjc": dataset_json.read_lines,
    ".parquet": parquet.read,
}
"""The reader of each ending."""

COMPRESSED = ".gz"
"""A further ending that says that a text file is compressed."""

ARCHIVE = ".zip"
"""The ending of an archive, which holds one file of any other ending."""

ENDINGS = (
    *(
        name
        for ending in READERS
        for name in (
            (ending, ending + COMPRESSED) if ending in (".csv", ".txt", ".tsv", ".ndjson") else (ending,)
        )
    ),
    ARCHIVE,
)
"""The endings that have a reader, in lower case."""


def export_of(options: FeedOptions) -> "Export | None":
    """Return what is to take in the files of each delivery before they are read, where they refer to each other."""
    if options.format != "fhir":
        return None
    from flows.feeds.readers.fhir.export import RESOURCES, Export

    return Export(options) if options.domain in RESOURCES else None


def reader_of(name: str, label: str, options: FeedOptions, export: "Export | None" = None) -> Reader:
    """Return the reader of a file, by its ending, the format that the protocol says, and the files beside it.

    ``label`` stands for it in a message.

    Raises
    ------
    FeedError
        When the ending has no reader.
    """
    lowered = name.lower()
    if not lowered.endswith(ENDINGS):
        raise FeedError(label, "a file name without a known ending", f"a name ending {', '.join(ENDINGS)}")
    if lowered.endswith(ARCHIVE):
        return partial(_read_archive, export=export)
    if options.format == "fhir":
        from flows.feeds.readers import fhir

        return partial(fhir.read, export=export)
    stem = lowered.removesuffix(COMPRESSED)
    reader = READERS[stem[stem.rindex(".") :]]
    return reader if options.layout is None else edc.arranged(reader)


def _read_archive(content: Content, options: FeedOptions, *, export: "Export | None") -> Records:
    """Read the one file of a zip archive as if it had come alone."""
    with unzipped(content) as file:
        if file.file.lower().endswith(ARCHIVE):
            raise FeedError(content.name, "an archive in an archive", "one file in it, such as a CSV")
        return reader_of(file.file, content.name, options, export)(file, options)
