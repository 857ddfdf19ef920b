"""Results of a period: what a value from a start to an end shows may be of any instant in between."""

from typing import Final

import pandas as pd

from checks.instants import BLANK

PERIOD: Final = "the start of a period ({end}): what it shows may be of any instant in it"
UNREADABLE: Final = (
    "the start of a period whose end ({end}) cannot be read: taken to be as long as the others are"
)
BACKWARDS: Final = "after its own end ({end}): the result may be of any instant between the two"

SHORT: Final = pd.Timedelta(hours=1)
"""So long a period is charted as one round: hourly means of a monitor. It keeps its place among the others."""

ONE_MEASUREMENT: Final = pd.Timedelta(minutes=5)
"""A measurement may itself last so long: a pulse counted, a thermometer held. It is no period."""


def over_periods(spans: pd.DataFrame, ends: pd.DataFrame, end: str, cutoff: pd.Timestamp) -> pd.DataFrame:
    """Return the spans of results with those that have an end reaching up to it.

    Parameters
    ----------
    spans, ends
        Of the start and the end of each row, as ``checks.validation.time_precision.read_times`` returns them.
    end
        The variable that holds the ends.
    cutoff
        The data cut-off: nothing later is known.

    Returns
    -------
    pandas.DataFrame
        ``spans``, with ``until``: the end of a period of at most an hour, whose row stays at its start; missing
        elsewhere. The ``latest`` of a longer one is its end. A date that holds the start is no end. A period whose
        end cannot be read is as long as the middle one of the others, if there are any.
    """
    start = spans["earliest"]
    ends, lost = _with_usual_ends(start, ends)
    last = ends["latest"]
    told = last.notna() & start.notna() & ~((ends["earliest"] < last) & (ends["earliest"] <= start))
    after, before = told & (last - spans["latest"] > ONE_MEASUREMENT), told & (last < start)
    if not (after | before).any():
        return spans
    last = last.where(last <= cutoff, cutoff)
    short = after & (start == spans["latest"]) & (ends["latest"] - start <= SHORT)
    notes = spans["note"].astype("object")
    notes = notes.mask(after, PERIOD.format(end=end)).mask(before, BACKWARDS.format(end=end))
    notes = notes.mask(after & lost, UNREADABLE.format(end=end))
    return spans.assign(
        earliest=start.mask(before, ends["earliest"]),
        latest=spans["latest"].mask(after & ~short & (last > spans["latest"]), last),
        until=last.where(short),
        note=notes.astype("category"),
    )


def _with_usual_ends(
    start: "pd.Series[pd.Timestamp]", ends: pd.DataFrame
) -> "tuple[pd.DataFrame, pd.Series[bool]]":
    """Return the ends, those that cannot be read as long after their starts as others usually are, and which."""
    lost = ends["problem"].notna() & (ends["problem"] != BLANK) & start.notna()
    lasting = (ends["latest"] - start)[ends["earliest"] == ends["latest"]]
    lasting = lasting[lasting > ONE_MEASUREMENT]
    if not lost.any() or not len(lasting):
        return ends, lost & False
    usual = start + lasting.median().round("s")
    return ends.assign(**{name: ends[name].mask(lost, usual) for name in ("earliest", "latest")}), lost
