"""Links of EX: which rows an identifier that they share tells to be one administration.

EXLNKID is SDTM's link of related records; EXLNKGRP and EXREFID may be that too, but are as often a course, an order
or a kit. Rows further apart than an administration lasts are not one, whatever they share.
"""

from typing import Final

import pandas as pd

from checks.validation import states
from checks.validation.raw import Columns, Shown, Source, state

LINKS: Final = ("EXLNKID", "EXLNKGRP", "EXREFID")


def linked(
    source: Source, starts: "pd.Series[pd.Timestamp]", among: "pd.Series[bool]"
) -> "tuple[pd.Series[str], Columns, dict[str, Shown]]":
    """Return the link of each row, missing where it has none that can be trusted; and how the columns are judged.

    A value of EXLNKID that is given to rows too far apart links none of them. One of the other columns shows by such
    a value that it names no administrations, and links nothing at all. The first link that a row shares counts.
    """
    longest = pd.Timedelta(hours=source.setting.protocol.max_administration_hours)
    link, far = source.text(LINKS[0]).where(among & False), among & False
    column, text = pd.Series(LINKS[0], among.index, dtype="str"), link
    for name in LINKS:
        values = source.text(name).where(among)
        if values.isna().all():
            continue
        rows = starts.groupby([source.subject, values])
        shared = rows.transform("size") > 1
        beyond = shared & (rows.transform("max") - rows.transform("min") > longest)
        if name == LINKS[0] or not beyond.any():
            link = link.mask(shared & ~beyond & link.isna(), f"{name} " + values)
        column, text, far = column.mask(beyond & ~far, name), text.mask(beyond & ~far, values), far | beyond
    state_of = state({"too far apart": far}, states.KNOWN, among & source.first_of(LINKS).notna())
    return link, {"EXLNKID_state": state_of}, {"EXLNKID_state": Shown(column, text)}
