"""EDC exports of one row an item: which item rows are one record, and its row of a column each.

The columns have the names of the attributes of CDISC ODM 1.3.2 (ClinicalData): a record is what the keys of
subject, event, form and item group tell apart; its row number is that of its first item.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from checks.errors import FeedError

KEYS: Final = (
    "STUDYOID", "METADATAVERSIONOID", "LOCATIONOID", "SITEOID", "SUBJECTKEY", "STUDYEVENTOID",
    "STUDYEVENTREPEATKEY", "FORMOID", "FORMREPEATKEY", "ITEMGROUPOID", "ITEMGROUPREPEATKEY",
)  # fmt: skip
"""The attributes that tell records apart, in upper case; an export has those that its study uses."""

NEEDED: Final = ("SUBJECTKEY", "ITEMOID", "VALUE")


def gather_items(table: pd.DataFrame, named: Sequence[str], file: str) -> pd.DataFrame:
    """Return a row for each record that has one of the named items: its keys, and a column for each of them.

    ``table`` has a row for each item, indexed by row number; ``named`` are the columns that the layout names, keys
    and ItemOIDs, in upper case as those of the table. Items of other forms are left out.

    Raises
    ------
    FeedError
        When a needed column is missing, or a record has two values of one item: an export without the repeat
        key of a visit or a line would mix them up.
    """
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        raise FeedError(file, f"no column {', '.join(missing)}", "SubjectKey, ItemOID and Value in item rows")
    item = table["ITEMOID"].str.upper()
    table = table.assign(ITEMOID=item)[item.isin(set(named) - set(KEYS))]
    keys = [name for name in KEYS if name in table.columns]
    # Records are numbered as they begin, so that the heads below stand in the same order.
    record = pd.Series(table.groupby(keys, dropna=False, sort=False).ngroup().to_numpy())
    item, value = table["ITEMOID"].reset_index(drop=True), table["VALUE"].reset_index(drop=True)
    rows = pd.DataFrame({"record": record, "item": item, "value": value})
    _refuse_second_value(rows, table.index, file)
    wide = rows.groupby(["record", "item"], sort=False)["value"].first().unstack("item")
    heads = table[keys].iloc[np.flatnonzero(~record.duplicated())]
    return heads.assign(**{str(name): wide[name].to_numpy() for name in wide.columns})


def _refuse_second_value(rows: pd.DataFrame, numbers: "pd.Index[int]", file: str) -> None:
    distinct = rows.dropna().drop_duplicates()
    again = distinct.index[distinct.duplicated(["record", "item"])]
    if len(again):
        found = f"a second value of {rows['item'][again[0]]} for one record, in line {int(numbers[again[0]])}"
        allowed = "one value of an item for each record: are the repeat keys in the export?"
        raise FeedError(file, found, allowed)
