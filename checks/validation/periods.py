"""Results of a period: what a value from a start to an end shows may be of any instant in between."""

from typing import Final

import pandas as pd

PERIOD: Final = "the start of a period ({end}): what it shows may be of any instant in it"
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
        elsewhere. The ``latest`` of a longer one is its end. A date that holds the start is no end.
    """
    start, last = spans["earliest"], ends["latest"]
    told = last.notna() & start.notna() & ~((ends["earliest"] < last) & (ends["earliest"] <= start))
    after, before = told & (last - spans["latest"] > ONE_MEASUREMENT), told & (last < start)
    if not (after | before).any():
        return spans
    last = last.where(last <= cutoff, cutoff)
    short = after & (start == spans["latest"]) & (ends["latest"] - start <= SHORT)
    notes = spans["note"].astype("object")
    notes = notes.mask(after, PERIOD.format(end=end)).mask(before, BACKWARDS.format(end=end))
    return spans.assign(
        earliest=start.mask(before, ends["earliest"]),
        latest=spans["latest"].mask(after & ~short & (last > spans["latest"]), last),
        until=last.where(short),
        note=notes.astype("category"),
    )
