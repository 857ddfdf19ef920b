"""Doses with their hours, and cases: component onsets joined within one dose, in risk and control hours alike.

Source of every definition: the study protocol file; the words are defined in the README's glossary.
"""

from checks.cases.case_finding import Case, ComponentOnset, Findings, find_cases
from checks.cases.charts import Charts
from checks.cases.control_events import ControlEvent
from checks.cases.dose_windows import DOSES
from checks.cases.evidence import gather_evidence
from checks.cases.parts_of_study import divide_by_subject, find_in_part, put_together

__all__ = [
    "DOSES",
    "Case",
    "Charts",
    "ComponentOnset",
    "ControlEvent",
    "Findings",
    "divide_by_subject",
    "find_cases",
    "find_in_part",
    "gather_evidence",
    "put_together",
]
