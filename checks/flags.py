"""Yes and no as feeds write them: whether a record was taken back, whether something occurred."""

from dataclasses import dataclass
from typing import Final

import pandas as pd


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a column that say yes, and those that say no; any other but a blank says neither."""

    yes: frozenset[str]
    no: frozenset[str]


@dataclass(frozen=True, slots=True)
class Answers:
    """What each row answers; all three are False where it is blank."""

    yes: "pd.Series[bool]"
    no: "pd.Series[bool]"
    unknown: "pd.Series[bool]"


YES_OR_NO: Final = Words(
    frozenset({"Y", "YES", "TRUE", "T", "1", "X", "OUI", "JA"}),
    frozenset({"N", "NO", "FALSE", "F", "0", "NON", "NEIN"}),
)
"""Y and N are the CDISC code list NY, true, false, 1 and 0 XML Schema's boolean; T and F are what R and SAS write of
it, X is a ticked box, and French and German forms have words of their own."""

TAKEN_BACK: Final = Words(
    YES_OR_NO.yes | {"D", "DELETE", "DELETED", "REMOVE", "REMOVED"},
    YES_OR_NO.no | {"INSERT", "UPDATE", "UPSERT", "CONTEXT"},
)
"""A record's DELETED: yes or no, or CDISC ODM's TransactionType (Remove, Insert, Update, Upsert, Context), or a D."""


def answers(texts: "pd.Series[str]", words: Words) -> Answers:
    """Return what each text answers, in whatever case, with blanks, hyphens or underscores between its words."""
    codes, distinct = pd.factorize(texts)
    if not len(distinct):
        nothing = pd.Series(False, index=texts.index)
        return Answers(nothing, nothing, nothing)
    said = pd.Series(distinct, dtype="str").str.upper().str.replace(r"[-_\s]+", " ", regex=True).str.strip()
    said = said.str.removesuffix(".0")  # software that takes 1 for a decimal writes 1.0
    blank = said == ""
    kinds = (said.isin(list(words.yes)), said.isin(list(words.no)))
    yes, no, unknown = (
        pd.Series([*some, False], dtype="bool").take(codes).set_axis(texts.index)
        for some in (*kinds, ~(kinds[0] | kinds[1] | blank))
    )
    return Answers(yes, no, unknown)
