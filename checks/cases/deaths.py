"""Deaths: when each subject died, as DM and fatal adverse events tell it."""

from datetime import datetime

import pandas as pd

from checks.tables import TEXT, TIME, Table

DEATHS = Table("deaths", {"USUBJID": TEXT, "earliest": TIME, "latest": TIME})
"""One row a subject that died, by the order of USUBJID: the span in which it did."""


def deaths(
    subjects: pd.DataFrame,
    adverse_events: pd.DataFrame,
    measurements: pd.DataFrame,
    data_cutoff: datetime,
) -> pd.DataFrame:
    """Return the table ``DEATHS``.

    A fatal event ends with the death. Where its end was left blank the death came after its start, and not before the
    subject was last measured. A death without a date came after the last measurement and event; of a subject without
    either nothing is said. Accounts that agree leave what they have in common; of others the earliest holds.

    Parameters
    ----------
    subjects, adverse_events, measurements
        The tables ``SUBJECTS``, ``ADVERSE_EVENTS`` and ``MEASUREMENTS``; of the last two the trusted rows count.
    data_cutoff
        With an offset: by then a subject of a fatal event without an end had died.
    """
    dated = subjects[["USUBJID", "died_earliest", "died_latest"]].dropna()
    accounts = [
        dated.set_axis(list(DEATHS.columns), axis="columns"),
        _of_events(adverse_events, measurements, data_cutoff),
        _undated(subjects, adverse_events, measurements),
    ]
    spans = pd.concat([one for one in accounts if len(one)] or [DEATHS.empty()]).groupby("USUBJID")
    first, last = spans.min(), spans.agg({"earliest": "max", "latest": "min"})
    agree = last["earliest"] <= last["latest"]
    return DEATHS.conform(last.where(agree, first).reset_index())


def _undated(subjects: pd.DataFrame, events: pd.DataFrame, measurements: pd.DataFrame) -> pd.DataFrame:
    """Return the deaths without a date, from when the subject was last known to be alive on."""
    died = subjects[subjects["died_earliest"].isna() & subjects["died_latest"].notna()]
    seen = [one.loc[one["trusted"], ["USUBJID", "earliest"]] for one in (events, measurements)]
    last = pd.concat(seen).groupby("USUBJID")["earliest"].max()
    alive = last.reindex(died["USUBJID"]).set_axis(died.index)
    accounts = {"USUBJID": died["USUBJID"], "earliest": alive, "latest": died["died_latest"]}
    return pd.DataFrame(accounts).dropna()


def _of_events(events: pd.DataFrame, measurements: pd.DataFrame, data_cutoff: datetime) -> pd.DataFrame:
    """Return when the subjects of trusted fatal events died, a row an event."""
    fatal = events[events["trusted"] & events["fatal"]]
    charted = measurements[measurements["trusted"] & measurements["USUBJID"].isin(fatal["USUBJID"])]
    last = charted.groupby("USUBJID")["earliest"].max()
    seen = last.reindex(fatal["USUBJID"]).set_axis(fatal.index)
    alive_until = fatal["earliest"].where(~(seen > fatal["earliest"]), seen)
    return pd.DataFrame(
        {
            "USUBJID": fatal["USUBJID"],
            "earliest": fatal["ends_earliest"].fillna(alive_until),
            "latest": fatal["ends_latest"].fillna(pd.Timestamp(data_cutoff).tz_convert("UTC").as_unit("s")),
        }
    )
