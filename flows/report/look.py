"""Declare what one look decided, before it is remembered, told and written."""

from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from checks.cases import Findings
from checks.evaluation import Evidence, RuleResult
from checks.protocol import StudyProtocol
from checks.signals import Verdict
from checks.tables import CHANGES
from checks.validation import Validation


@dataclass(frozen=True, slots=True)
class Look:
    """Everything one look decided; ``changes`` is the table CHANGES, empty where the feeds were read as found."""

    protocol: StudyProtocol
    data_cutoff: datetime
    validation: Validation
    findings: Findings
    evidence: Evidence
    results: tuple[RuleResult, ...]
    verdict: Verdict
    changes: pd.DataFrame = field(default_factory=CHANGES.empty)
