"""By which days an expedited report would be due, if the sponsor assesses the cases as a SUSAR.

Sources: Regulation (EU) No 536/2014, Article 42(2): 7 days after the sponsor became aware of a fatal or
life-threatening suspected unexpected serious adverse reaction, 15 days otherwise. United States, 21 CFR
312.32(c)(2): 7 calendar days after the sponsor's initial receipt of the information on an unexpected fatal or
life-threatening suspected adverse reaction; 312.32(c)(1): 15 calendar days after the sponsor determines that the
information qualifies. Assessing is the sponsor's: nothing here says that a case is one.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

DAYS = {"7": timedelta(days=7), "15": timedelta(days=15)}
"""Calendar days, the day of awareness being day 0."""


def expedited_reporting(data_cutoff: str, timezone: str) -> tuple[str, ...]:
    """Return what would be due by when, with the data cut-off's calendar day as day 0.

    Parameters
    ----------
    data_cutoff
        ISO 8601 with Z.
    timezone
        The study's time zone: its calendar day may be another than that of UTC.
    """
    return (
        "If the sponsor assesses this as a SUSAR (suspected unexpected serious adverse reaction):",
        f"fatal or life-threatening, 7 calendar days: by {_day(data_cutoff, timezone, '7')}.",
        f"otherwise, 15 calendar days: by {_day(data_cutoff, timezone, '15')}.",
        "Counted from the data cut-off as day 0. The clock of the law may have started earlier, or start with the "
        "sponsor's own assessment: EU, Regulation 536/2014 Art. 42(2), from when the sponsor became aware; US, "
        "21 CFR 312.32(c), 7 days from initial receipt, 15 days from the determination that it qualifies. "
        "Other jurisdictions have their own.",
    )


def _day(data_cutoff: str, timezone: str, days: str) -> str:
    moment = datetime.fromisoformat(data_cutoff)
    there = (moment.astimezone(zone).date() + DAYS[days] for zone in (UTC, ZoneInfo(timezone)))
    return "{} (UTC), {} ({})".format(*there, timezone)
