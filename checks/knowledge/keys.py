"""Keys of a record, by which another delivery's row is known to be its: its number, its natural key, its content.

SDTM names a record by USUBJID and --SEQ (SDTM Implementation Guide, section 4.1.5), but lets a sender number
anew for each delivery; the topic and the time of an observation then tell which record it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.knowledge.arrivals import Flags, Integers
from checks.tables import RAW_PROVENANCE

NATURAL: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "EX": (("EXTRT",), "EXSTDTC"),
    "VS": (("VSTESTCD",), "VSDTC"),
    "AE": (("AETERM", "AEDECOD"), "AESTDTC"),
    "LB": (("LBTESTCD",), "LBDTC"),
    "PC": (("PCTESTCD",), "PCDTC"),
    "IS": (("ISTESTCD",), "ISDTC"),
    "CM": (("CMTRT",), "CMSTDTC"),
}
"""What names an observation of each domain beside its subject: the topic (the first column that is filled), the time.

An event's term as reported comes first: its coding is often filled in later.
"""


LARGEST: Final = 2**62
"""Numbers are combined by multiplication as long as no product can be larger: then none overflows 64 bits."""


@dataclass(frozen=True, slots=True)
class Codes:
    """A whole number for each of n rows; rows share it when they agree. -1 where there is nothing to agree in.

    ``subject`` is USUBJID, ``sequence`` that and --SEQ, ``natural`` that, topic and time (of both in DM the subject
    alone), ``number`` --SEQ itself, where it is a whole number, ``time`` the stamp of the row. ``content`` is every
    column but provenance, ``body`` that but --SEQ, ``said`` that but the stamp and when the row became known.
    """

    subject: Integers
    sequence: Integers
    natural: Integers
    number: Integers
    time: Integers
    said: Integers
    body: Integers
    content: Integers


def code_rows(table: pd.DataFrame, domain: str, known_at: str | None) -> Codes:
    """Give each row of one domain's deliveries the numbers by which it is known again."""
    sequences = sequence_of(table, domain)
    subject, topic = codes_of([text(table, "USUBJID")]), codes_of([topic_of(table, domain)])
    time, entered = codes_of([time_of(table, domain)]), codes_of([text(table, known_at or "")])
    known = text(table, "USUBJID").notna().to_numpy()
    numbered = known if domain == "DM" else known & sequences.notna().to_numpy()
    named = known if domain == "DM" else known & ~_is_nameless(table, domain)
    apart = {f"{domain}SEQ", NATURAL[domain][1] if domain in NATURAL else "", known_at}
    said = codes_of([table[name] for name in content_columns(table) if name not in apart])
    body = combined([said, time, entered])
    return Codes(
        subject=np.where(known, subject, -1),
        sequence=np.where(numbered, combined([subject, codes_of([sequences])]), -1),
        natural=np.where(named, combined([subject, topic, time]), -1),
        number=_whole_numbers(sequences),
        time=time,
        said=said,
        body=body,
        content=combined([body, codes_of([text(table, f"{domain}SEQ")])]),
    )


def _whole_numbers(texts: "pd.Series[str]") -> Integers:
    codes, values = pd.factorize(texts)  # a long feed has few numbers: each is read once
    distinct = pd.Series(values, dtype="str")
    whole = distinct.str.fullmatch("[0-9]{1,9}").fillna(False).astype("bool")
    numbers = pd.to_numeric(distinct.where(whole), errors="coerce").fillna(-1).to_numpy(dtype=np.int64)
    return np.append(numbers, -1)[codes]


def _decimals(texts: "pd.Series[str]") -> npt.NDArray[np.float64]:
    codes, values = pd.factorize(texts)
    numbers = pd.to_numeric(pd.Series(values, dtype="str"), errors="coerce").fillna(np.inf)
    return np.append(numbers.to_numpy(dtype=np.float64), np.inf)[codes]


def _is_nameless(table: pd.DataFrame, domain: str) -> Flags:
    nameless: Flags = (topic_of(table, domain).isna() & time_of(table, domain).isna()).to_numpy()
    return nameless


def content_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns that hold what was delivered."""
    return [name for name in table.columns if name not in RAW_PROVENANCE]


def text(table: pd.DataFrame, column: str) -> "pd.Series[str]":
    """Return a column, missing throughout where it was not delivered."""
    if column in table.columns:
        return table[column].astype("str")
    return pd.Series(pd.NA, index=table.index, dtype="str")


def sequence_of(table: pd.DataFrame, domain: str) -> "pd.Series[str]":
    """Return --SEQ as a whole number's text: software that takes it for a decimal writes 12.0."""
    return text(table, f"{domain}SEQ").str.removesuffix(".0")


def topic_of(table: pd.DataFrame, domain: str) -> "pd.Series[str]":
    """Return what each row is about: a test, a term, a treatment."""
    first, *others = NATURAL[domain][0] if domain in NATURAL else ("",)
    topic = text(table, first)
    for column in others:
        topic = topic.fillna(text(table, column))
    return topic


def time_of(table: pd.DataFrame, domain: str) -> "pd.Series[str]":
    """Return the stamp of each row, as delivered."""
    return text(table, NATURAL[domain][1]) if domain in NATURAL else text(table, "")


def codes_of(columns: Sequence["pd.Series[str]"]) -> Integers:
    """Return a number for each row that rows share when all the columns agree; blank agrees with blank."""
    return combined([pd.factorize(column)[0].astype(np.int64) for column in columns])


def combined(codes: Iterable[Integers]) -> Integers:
    """Return a number for each row that rows share when all the given numbers agree, in order of appearance."""
    result, most = None, 0
    for one in codes:
        base = int(one.max(initial=0)) + 2
        if result is None:
            result, most = one + 1, base
            continue
        if most * base > LARGEST:  # numbered anew, the product stays below rows squared
            result = pd.factorize(result)[0].astype(np.int64)
            most = int(result.max(initial=0)) + 1
        result, most = result * base + (one + 1), most * base
    return np.empty(0, dtype=np.int64) if result is None else pd.factorize(result)[0].astype(np.int64)


def canonical_order(table: pd.DataFrame, domain: str) -> Integers:
    """Return the positions of rows in the order of subject, --SEQ, topic, time and then all they say.

    Nothing in it depends on the order, the splitting or the repetition of deliveries.
    """
    sequences = sequence_of(table, domain)
    numbers = _decimals(sequences)
    texts = [text(table, "USUBJID"), sequences, topic_of(table, domain), time_of(table, domain)]
    subject, sequence, topic, time = (_ranks(one) for one in texts)
    alike = pd.Series(combined([subject, sequence, topic, time])).duplicated(keep=False).to_numpy()
    rest = np.zeros(len(table), dtype=np.int64)
    if alike.any():
        columns = sorted(content_columns(table))
        # Only rows that share all of these are compared throughout: that spares long feeds.
        ties = table.loc[alike, columns].reset_index(drop=True).sort_values(columns, kind="stable")
        rest[np.flatnonzero(alike)[ties.index]] = np.arange(len(ties))
    return np.lexsort([rest, time, topic, sequence, numbers, subject]).astype(np.int64)


def _ranks(texts: "pd.Series[str]") -> Integers:
    return pd.factorize(texts, sort=True)[0].astype(np.int64)
