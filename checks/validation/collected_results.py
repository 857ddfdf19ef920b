"""The results of VS and LB as they are written: standardised or as collected, and whether anything was measured."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import pandas as pd

from checks.validation import occurrence
from checks.validation.raw import Shown, Source


@dataclass(frozen=True, slots=True)
class Results:
    """The results of VS or LB as they are written.

    ``beside`` is what a value means nothing without (its unit, its upper limit of normal); ``column`` and
    ``beside_column`` name where the two of each row are. ``used`` are the rows whose tests some rule needs, but for
    those that say that nothing was measured, without a value. ``status`` judges what the others say of that.
    """

    test: "pd.Series[str]"
    used: "pd.Series[bool]"
    value: "pd.Series[str]"
    beside: "pd.Series[str]"
    column: "pd.Series[str]"
    beside_column: "pd.Series[str]"
    status: "pd.Series[Any]"
    status_shown: Shown


def results_of(
    source: Source, test: "pd.Series[str]", tests: Set[str], *, beside: tuple[str, str]
) -> Results:
    """Return the results of a domain: standardised where value and ``beside`` are both given, else as collected.

    ``test`` is what each row is of, ``tests`` those that some rule needs. A value and what is beside it come from the
    same pair of columns: they belong together.
    """
    domain = source.domain
    standard = (f"{domain}STRESN", f"{domain}{beside[0]}")
    collected = (f"{domain}ORRES", f"{domain}{beside[1]}")
    used = ~source.is_header & test.isin(tests)
    texts = [source.text(column) for column in standard]
    as_collected = (texts[0].isna() | texts[1].isna()) & source.text(collected[0]).notna()
    value, other = (
        one.mask(as_collected, source.text(name)) for one, name in zip(texts, collected, strict=True)
    )
    # A blank is asked for where it was left.
    first = standard if source.has(standard[0]) else collected
    column, other_column = (
        pd.Series(name, index=test.index, dtype="str").mask(as_collected, instead)
        for name, instead in zip(first, collected, strict=True)
    )
    status, status_shown, used = _done(source, value, used)
    return Results(test, used, value, other, column, other_column, status, status_shown)


def _done(
    source: Source, value: "pd.Series[str]", used: "pd.Series[bool]"
) -> "tuple[pd.Series[Any], Shown, pd.Series[bool]]":
    """Judge the status of the results used, and leave out those that say that nothing was measured.

    One that says so beside a value is not left out: it contradicts itself.
    """
    name = f"{source.domain}STAT"
    said = occurrence.told(source.text(name), "STAT")
    valued = said.no.copy()
    valued[said.no] = value[said.no].str.contains("[0-9]").fillna(False).astype("bool")
    used = used & (~said.no | valued)
    bad = {
        "says that nothing was measured, beside a value": said.no,
        "says neither that it was measured nor that it was not": said.unknown,
    }
    return *source.status(bad, used, Shown(name, source.text(name))), used
