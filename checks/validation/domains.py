"""The domains that validation knows: what each needs, how its rows are prepared, and the table they become."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from checks import tables
from checks.tables import Table
from checks.validation import administrations, adverse_events, laboratory, subjects, vital_signs
from checks.validation.raw import Needed, Prepared, Source


@dataclass(frozen=True, slots=True)
class Domain:
    """How one domain becomes a typed table."""

    table: Table
    needed: tuple[Needed, ...]
    prepare: Callable[[Source], Prepared]


DOMAINS: Final[Mapping[str, Domain]] = {
    "DM": Domain(tables.SUBJECTS, subjects.NEEDED, subjects.prepare),
    "EX": Domain(tables.ADMINISTRATIONS, administrations.NEEDED, administrations.prepare),
    "VS": Domain(tables.MEASUREMENTS, vital_signs.NEEDED, vital_signs.prepare),
    "AE": Domain(tables.ADVERSE_EVENTS, adverse_events.NEEDED, adverse_events.prepare),
    "LB": Domain(tables.MEASUREMENTS, laboratory.NEEDED, laboratory.prepare),
}
"""In the order in which they are judged: each needs the ones before it."""
