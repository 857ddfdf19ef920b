"""What later deliveries changed, as a blinded output may list it: no word that belongs in another column."""

from collections.abc import Callable

import pandas as pd

from checks.protocol import StudyProtocol
from checks.quoting import quoted, words_of
from checks.tables import WITHHELD


def shown_changes(changes: pd.DataFrame, protocol: StudyProtocol, subjects: "pd.Series[str]") -> pd.DataFrame:
    """Return the table CHANGES with each value as it may be shown; ``subjects`` are those that DM has.

    A value that was changed may have been an arm's name in a column where none belongs. The words of the terms that
    the protocol asks for may be quoted, and so those of its sites and subjects.
    """
    if changes.empty:
        return changes
    terms = (term for one in protocol.case_definition.components.values() for term in one.terms)
    names = words_of([protocol.study.id, *protocol.sites, *subjects.dropna(), *terms])
    said = {
        (name, text): text if text == WITHHELD else quoted(text, name, names)
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
        USUBJID=_each(changes["USUBJID"], lambda text: quoted(text, "USUBJID", names)),
        record=_each(changes["record"], lambda text: _record(text, names)),
    )
    return shown.astype(changes.dtypes.to_dict())


def _each(texts: "pd.Series[str]", shown: Callable[[str], str]) -> "pd.Series[str]":
    return texts.map({text: shown(text) for text in texts.dropna().unique()}).astype("str")


def _record(text: str, names: frozenset[str]) -> str:
    """Return what names a record: its number, or what it is about and its time, each as it may be shown."""
    if "SEQ=" in text or text == "DM":
        return text
    topic, _, time = text.rpartition(" ")
    return " ".join((*([quoted(topic, "VSTESTCD", names)] if topic else []), quoted(time, "VSDTC", names)))
