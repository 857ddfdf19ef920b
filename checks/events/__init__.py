"""Find cases: component onsets as intervals, joined within one dose, in risk and control hours alike."""

from checks.events.control import ControlEvent
from checks.events.findings import Case, ComponentOnset, Findings, find_cases
from checks.events.parts import divide_by_subject, find_in_part, put_together
from checks.events.records import Records
from checks.events.tallies import gather_evidence

__all__ = [
    "Case",
    "ComponentOnset",
    "ControlEvent",
    "Findings",
    "Records",
    "divide_by_subject",
    "find_cases",
    "find_in_part",
    "gather_evidence",
    "put_together",
]
