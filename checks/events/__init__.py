"""Find cases: component onsets as intervals, joined within one dose, in risk and control hours alike."""

from checks.events.control import ControlEvent
from checks.events.findings import Case, ComponentOnset, Findings, find_cases
from checks.events.records import Records
from checks.events.tallies import gather_evidence

__all__ = ["Case", "ComponentOnset", "ControlEvent", "Findings", "Records", "find_cases", "gather_evidence"]
