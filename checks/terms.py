"""Terms of adverse events, and codes of tests, as they are compared: without what differs in how they are written."""

from typing import Final

from checks.normal_forms import normal_form

NOT_CODED: Final = frozenset(
    {
        "", "UNCODED", "NOTCODED", "UNCODABLE", "UNCODEABLE", "NOTCODABLE", "NOTCODEABLE", "NOTYETCODED", "TOBECODED",
        "TOCODE", "NOCODE", "NOTCODE", "CODINGPENDING", "PENDINGCODING", "PENDING", "NULL", "NA", "NAN", "NONE",
        "TBD", "TBC", "UNKNOWN", "UNK", "MISSING", "BLANK", "NOTAPPLICABLE", "NOTAVAILABLE",
    }
)  # fmt: skip
"""What stands in AEDECOD where no preferred term does, by its letters: UNCODED, "Not Coded", N/A, and signs alone.

None is a preferred term of MedDRA. Sources: pharmaverse/sdtmchecks (check_ae_aedecod) and obds-to-fhir for the first,
R, SAS and SQL for how they write that there is nothing.
"""

NO_TERM: Final = frozenset({"", "NULL", "NA", "NAN"})
"""What stands in AETERM, which people write, where there is nothing."""


def in_one_width(text: str) -> str:
    """Return a text in the compatibility form of Unicode, with one plain blank between its words."""
    return " ".join(normal_form("NFKC", text).split())


def folded(term: str) -> str:
    """Return a term as it is compared: in one case and width, one plain blank between its words."""
    return in_one_width(term).casefold()


def letters(name: str) -> str:
    """Return the letters and digits of a name alone."""
    return "".join(filter(str.isalnum, name))
