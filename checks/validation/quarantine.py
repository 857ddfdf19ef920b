"""The listing of withheld rows: every reason of each, and nothing that tells the arm."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.tables import QUARANTINE, WITHHELD, tells_arm
from checks.validation.judging import Judgement
from checks.validation.prepared_table import shown_of
from checks.validation.raw import Prepared, Shown, Source

BLANK: Final = "blank"


def list_withheld(source: Source, prepared: Prepared, judgements: Sequence[Judgement]) -> pd.DataFrame:
    """Return the QUARANTINE table of one feed: one row for each reason, by subject and then in their order.

    A file may be sorted by arm, so the order of its subjects is not kept.
    """
    reasons = [
        _reasons(source, prepared, one)
        for one in judgements
        if one.check.severity == "quarantines" and len(one.unexpected)
    ]
    if not reasons:
        return QUARANTINE.empty()
    listed = pd.concat(reasons).sort_index(kind="stable")
    return QUARANTINE.conform(listed.sort_values("USUBJID", kind="stable"))


def _reasons(source: Source, prepared: Prepared, judgement: Judgement) -> pd.DataFrame:
    rows = judgement.unexpected
    shown = shown_of(judgement.check, source, prepared)
    column = _at(shown.column, rows)
    found = _found(shown, rows).mask(column.map(tells_arm), WITHHELD)
    states = _states(prepared, judgement)
    pairs = list(zip(column, states, strict=True))
    messages = {pair: judgement.check.sentence(*pair) for pair in set(pairs)}
    return source.provenance.iloc[rows].assign(
        domain=source.domain,
        USUBJID=source.subject.iloc[rows],
        record=f"{source.domain}SEQ=" + source.record.iloc[rows],
        check=judgement.check.name,
        column=column,
        found=found,
        message=[messages[pair] for pair in pairs],
    )


def _found(shown: Shown, rows: npt.NDArray[np.int64]) -> "pd.Series[str]":
    """Return the text as delivered, with its unit where it has one."""
    text = shown.text.iloc[rows]
    if shown.unit is not None:
        text = text.fillna("").str.cat(shown.unit.iloc[rows].fillna(""), sep=" ").str.strip()
        text = text.mask(text == "")
    return text.fillna(BLANK)


def _at(column: "str | pd.Series[str]", rows: npt.NDArray[np.int64]) -> "pd.Series[str]":
    if isinstance(column, str):
        return pd.Series(column, index=rows, dtype="str")
    return column.iloc[rows]


def _states(prepared: Prepared, judgement: Judgement) -> "pd.Series[str]":
    """Return the state of each of the rows, where the message names it: never a value."""
    rows = judgement.unexpected
    if not judgement.check.names_reason:
        return pd.Series("", index=rows, dtype="str")
    (column,) = judgement.check.columns
    return prepared.judged[column].iloc[rows].astype("str")
