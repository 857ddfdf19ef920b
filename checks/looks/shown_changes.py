"""What later deliveries changed, as a blinded output may list it: no word that belongs in another column."""

import re
from collections.abc import Callable
from typing import Final

import pandas as pd

from checks.protocol import StudyProtocol
from checks.protocol.untelling import quotes_of
from checks.quoting import Quotes
from checks.tables import WITHHELD

_KEY: Final = re.compile(r"[A-Z]{2}SEQ")


def shown_changes(changes: pd.DataFrame, protocol: StudyProtocol, subjects: "pd.Series[str]") -> pd.DataFrame:
    """Return the table CHANGES with each value as it may be shown; ``subjects`` are those that DM has.

    A value that was changed may have been an arm's name in a column where none belongs. The words of the terms that
    the protocol asks for may be quoted, and so those of its sites and subjects.
    """
    if changes.empty:
        return changes
    terms = [term for one in protocol.case_definition.components.values() for term in one.terms]
    quotes = quotes_of(protocol, subjects.dropna(), terms=terms)
    said = {
        (name, text): text if text == WITHHELD else quotes.shown(text, name)
        for column in ("before", "after")
        for name, text in changes[["variable", column]].dropna().drop_duplicates().itertuples(index=False)
    }
    shown = changes.assign(
        **{
            column: [
                text if pd.isna(text) else said[name, text]
                for name, text in zip(changes["variable"], changes[column], strict=True)
            ]
            for column in ("before", "after")
        },
        variable=_each(changes["variable"], quotes.variable),
        USUBJID=_each(changes["USUBJID"], lambda text: quotes.shown(text, "USUBJID")),
        record=_each(changes["record"], lambda text: _record(text, quotes)),
    )
    return shown.astype(changes.dtypes.to_dict())


def _each(texts: "pd.Series[str]", shown: Callable[[str], str]) -> "pd.Series[str]":
    return texts.map({text: shown(text) for text in texts.dropna().unique()}).astype("str")


def _record(text: str, quotes: Quotes) -> str:
    """Return what names a record: its number, or what it is about and its time, each as it may be shown."""
    key, equals, number = text.partition("=")
    if equals and _KEY.fullmatch(key):
        return f"{key}={quotes.number(number)}"
    if text == "DM":
        return text
    topic, _, time = text.rpartition(" ")
    return " ".join((*([quotes.code(topic)] if topic else []), quotes.shown(time, "VSDTC")))
