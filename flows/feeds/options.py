"""Options of a feed: what a reader may take for granted about it, all from the study protocol."""

from dataclasses import dataclass
from typing import Literal, Self

from checks.protocol.layout import Layout
from checks.protocol.model import FeedSource


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """What the protocol says of a feed: how its text is written, what its rows mean, and for which domain.

    ``subject_system`` and ``layout`` are those of ``checks.protocol.model.FeedSource``.
    """

    encoding: str | None = None
    delimiter: str = ","
    decimal: str = "."
    domain: str = ""
    format: Literal["sdtm", "fhir", "edc"] = "sdtm"
    subject_system: str | None = None
    layout: Layout | None = None

    @classmethod
    def of(cls, source: FeedSource, domain: str) -> Self:
        """Return what the protocol says of one domain's feed."""
        return cls(
            encoding=source.encoding,
            delimiter=source.delimiter,
            decimal=source.decimal,
            domain=domain,
            format=source.format,
            subject_system=source.subject_system,
            layout=source.layout,
        )
