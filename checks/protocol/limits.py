"""The limits of a study protocol: how much may be withheld or unobserved, and what reading one file may take."""

from pydantic import Field

from checks.fields import OneOrMore, Positive, Section, Share, Whole


class Limits(Section):
    """How much may be withheld or unobserved before a look says so, and what one file may become as it is read.

    A file that, unpacked, has more than ``max_unpacked_bytes``, or more than ``max_unpacked_ratio`` times the bytes
    that were delivered, is refused, and so is one whose reading takes longer than ``max_read_seconds``. All new files
    of a feed together have three times that in one look, and what is left waits for the next; all tables of a feed
    together have half of the memory. 4 GiB is what an archive without the ZIP64 extension can hold (APPNOTE 6.3.10,
    4.4.9): seven times 8.6 million vital signs as CSV. At 100 to 1 Apache POI takes a file for a bomb (ZipSecureFile,
    least inflate ratio .01), and DEFLATE itself cannot pass 1032 to 1 (zlib, technical details). 4.3 million vital
    signs as CSV (.35 GB) took 6 s of one core, and 23 s of a machine with four times the work that it has cores for.
    ``max_gap_hours`` is of earlier files.
    """

    max_quarantined: Share = 0.2
    max_unobserved: Share = 0.5
    max_unpacked_bytes: Whole = 1 << 32
    max_unpacked_ratio: OneOrMore = 100.0
    max_read_seconds: Positive = 120.0
    max_gap_hours: Positive = Field(default=4.0, json_schema_extra={"deprecated": True})
