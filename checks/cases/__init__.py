"""Doses with their hours, and cases: component onsets joined within one dose, in risk and control hours alike.

Source of every definition: the study protocol file; the words are defined in the README's glossary.
"""

from checks.cases.case_finding import Findings
from checks.cases.charts import Charts
from checks.cases.deaths import deaths
from checks.cases.evidence import gather_evidence
from checks.cases.parts_of_study import divide_by_subject, find_in_part, put_together
from checks.cases.placing import Case

__all__ = [
    "Case",
    "Charts",
    "Findings",
    "deaths",
    "divide_by_subject",
    "find_in_part",
    "gather_evidence",
    "put_together",
]
