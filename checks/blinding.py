"""Blinding of a delivered table: whether study drug was given stays, and nothing of which.

It is applied before anything is judged, compared or counted, so that no later table, message or number can
depend on the arm. What is left is the same whichever arm a subject is in: a name of any arm becomes one word, an
amount of any size another.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pandas as pd

from checks.numbers import read_numbers
from checks.tables import DeliveredTable, tells_arm
from checks.treatments import Names, names_treatment

STUDY_DRUG: Final = "study drug"
PERHAPS_STUDY_DRUG: Final = "perhaps study drug"
"""EXTRT that has the name of an arm in it, or one that is misspelt."""

ANOTHER_DRUG: Final = "another drug"
"""EXTRT that no arm of the protocol has; an arm by another name may be among them, so its text is not kept either."""

NOT_STUDY_DRUG: Final = "not study drug"
"""EXTRT of which the protocol says that it is no study drug."""

AMOUNT: Final = "amount"
IMPOSSIBLE: Final = "impossible"
"""EXDOSE that is negative or no number; that it can be one or the other is not told apart."""

UNCOUNTED: Final = frozenset({"PC", "IS"})
"""Drug concentrations and anti-drug antibodies are often measured in treated subjects alone: their number tells."""


def blind(
    domain: str, table: pd.DataFrame, treatments: Sequence[str], others: Sequence[str] = ()
) -> pd.DataFrame:
    """Return a delivered table without what tells the arm; blinding it twice changes nothing.

    Parameters
    ----------
    domain
        The SDTM domain, such as ``EX``.
    table
        As in ``checks.tables.Feed``: text columns, missing where blank.
    treatments
        The names of study drug, in all arms, as the protocol lists them.
    others
        Names of which the protocol says that they are no study drug.

    Returns
    -------
    pandas.DataFrame
        The same rows. Of EX, EXTRT says ``STUDY_DRUG``, ``PERHAPS_STUDY_DRUG``, ``ANOTHER_DRUG`` or
        ``NOT_STUDY_DRUG`` and EXDOSE says ``AMOUNT`` or ``IMPOSSIBLE``, both missing where they are blank; no other
        column that tells the arm is left. That a name has its strength behind it is not kept: it may tell the arm.
    """
    kept = {"EXTRT", "EXDOSE"} & set(table.columns) if domain == "EX" else set()
    told = [name for name in table.columns if tells_arm(name) and name not in kept]
    blinded = table.drop(columns=told) if told else table
    if "EXTRT" in kept:
        blinded = blinded.assign(EXTRT=_treatment(table["EXTRT"], treatments, others))
    if "EXDOSE" in kept:
        blinded = blinded.assign(EXDOSE=_amount(table["EXDOSE"]))
    return blinded


def blind_deliveries(
    domain: str,
    arrived: Sequence[DeliveredTable],
    treatments: Sequence[str],
    others: Sequence[str] = (),
) -> tuple[DeliveredTable, ...]:
    """Return the deliveries of one domain without what tells the arm; of some domains not even counted.

    A delivery that has no label is called by its domain and its place among them.
    """
    name = domain.upper()
    return tuple(
        _blind_delivery(name, _labelled(one, f"{name} {number}"), treatments, others)
        for number, one in enumerate(arrived, start=1)
    )


def _labelled(one: DeliveredTable, label: str) -> DeliveredTable:
    """Return a delivery with its label, also on its rows, in place of a name that may tell the arm."""
    if one.delivery.label:
        return one
    table = None if one.table is None else one.table.assign(source_file=label)
    return replace(one, delivery=replace(one.delivery, label=label), table=table)


def _blind_delivery(
    domain: str, one: DeliveredTable, treatments: Sequence[str], others: Sequence[str]
) -> DeliveredTable:
    delivery = replace(one.delivery, rows=0) if domain in UNCOUNTED else one.delivery
    table = None if one.table is None else blind(domain, one.table, treatments, others)
    return replace(one, delivery=delivery, table=table)


def _treatment(texts: pd.Series, treatments: Sequence[str], others: Sequence[str]) -> "pd.Series[str]":
    given = _trimmed(texts)
    words = {text: _word(text, treatments, others) for text in given.dropna().unique()}
    return given.map(words).astype("str")


def _word(text: str, treatments: Sequence[str], others: Sequence[str]) -> str:
    """Return the word that stands for a treatment; such a word stands for itself."""
    if text in (STUDY_DRUG, PERHAPS_STUDY_DRUG, ANOTHER_DRUG, NOT_STUDY_DRUG):
        return text
    named = names_treatment(text, treatments)
    as_said = text.casefold() in {name.strip().casefold() for name in others}
    if as_said or (named is not Names.LISTED and names_treatment(text, others) is Names.LISTED):
        return NOT_STUDY_DRUG
    return {Names.LISTED: STUDY_DRUG, Names.PERHAPS: PERHAPS_STUDY_DRUG, Names.NONE: ANOTHER_DRUG}[named]


def _amount(texts: pd.Series) -> "pd.Series[str]":
    given = _trimmed(texts)
    possible = (read_numbers(given) >= 0) | (given == AMOUNT).fillna(False).astype("bool")
    return pd.Series(IMPOSSIBLE, index=given.index, dtype="str").mask(possible, AMOUNT).where(given.notna())


def _trimmed(texts: pd.Series) -> "pd.Series[str]":
    trimmed = texts.astype("str").str.strip()
    return trimmed.mask(trimmed == "")
