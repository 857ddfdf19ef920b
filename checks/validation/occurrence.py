"""Whether a row says that what it tells of happened: the columns that say so, and their words.

A row that says no is not a row that says yes, and one that says neither, or both, is in doubt.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pandas as pd

from checks.flags import YES_OR_NO, Answers, Words, answers

WORDS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "STAT": Words(
            frozenset(
                {
                    "COMPLETED", "COMPLETE", "DONE", "PERFORMED", "GIVEN", "ADMINISTERED", "IN PROGRESS", "STOPPED",
                    "PRELIMINARY", "FINAL", "AMENDED", "CORRECTED", "P", "F", "C",
                }
            ),
            frozenset(
                {
                    "NOT DONE", "NOT PERFORMED", "NOT GIVEN", "NOT ADMINISTERED", "CANCELLED", "CANCELED", "HOLD",
                    "HOLD DOSE", "HELD", "ON HOLD", "REWRITTEN", "OMITTED", "MISSED", "REFUSED", "ENTERED IN ERROR",
                }
            ),
        ),
        "OCCUR": YES_OR_NO,
        "PRESP": YES_OR_NO,
        "MOOD": Words(frozenset({"PERFORMED"}), frozenset({"SCHEDULED", "PLANNED", "INTENDED"})),
    }
)  # fmt: skip
"""The words of each column by how its name ends.

--STAT: NOT DONE is the CDISC term (code list ND), a blank says that it was done; IN PROGRESS, ON HOLD, STOPPED and
COMPLETED are FHIR R4's states of an administration, PRELIMINARY, FINAL, AMENDED and CORRECTED of an observation,
ENTERED IN ERROR of both; P, F and C are HL7's result status (table 0085); the rest are charted. --OCCUR and --PRESP:
the CDISC code list NY. --MOOD: SCHEDULED and PERFORMED are what the SDTM Implementation Guide has (ECMOOD); a row in
the mood PERFORMED may all the same tell of what did not occur.
"""


def told(texts: "pd.Series[str]", kind: str) -> Answers:
    """Return what each text of a column answers, in the words of its kind (how its name ends)."""
    return answers(texts, WORDS[kind])
