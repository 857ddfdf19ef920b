"""A data frame of one domain as a delivery: what a caller has at hand, in place of what a reader made of a file."""

import hashlib

import pandas as pd
from pandas.api.types import is_string_dtype

from checks.errors import UsageError
from checks.tables import RAW_PROVENANCE, DeliveredTable, Delivery


def delivered_frame(domain: str, frame: pd.DataFrame) -> tuple[DeliveredTable]:
    """Return a frame as one delivery that was there from the beginning; its hash is that of its rows as CSV.

    Parameters
    ----------
    domain
        In lower case, as the protocol names its feeds.
    frame
        SDTM columns, all of them text as delivered; what is blank or missing is missing.

    Raises
    ------
    UsageError
        When a column is not text, or not named once.
    """
    named = frame.rename(columns=lambda name: str(name).strip().upper())
    if not named.columns.is_unique:
        twice = sorted(named.columns[named.columns.duplicated()])
        raise UsageError(f"{domain}: found the column {twice[0]} more than once; allowed: each name once")
    texts = {name: _text(domain, named[name]) for name in named.columns}
    table = pd.DataFrame(texts, index=pd.RangeIndex(len(frame)))
    table["source_file"], table["source_row"] = domain, range(1, len(table) + 1)
    content = frame.to_csv(index=False, lineterminator="\n").encode()
    delivery = Delivery(domain, hashlib.sha256(content).hexdigest(), len(table))
    return (DeliveredTable(delivery, table.astype(dict(RAW_PROVENANCE))),)


def _text(domain: str, column: "pd.Series[str]") -> "pd.Series[str]":
    """Return a column trimmed, blanks missing; a number would have lost how it was written."""
    if not is_string_dtype(column) and not column.isna().all():
        raise UsageError(
            f"{domain}: found {column.name} as {column.dtype}; allowed: text as delivered (read it with dtype=str)"
        )
    trimmed = column.astype("str").str.strip().reset_index(drop=True)
    return trimmed.mask(trimmed == "")
