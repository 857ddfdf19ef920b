"""A simulated study as SDTM: one text table a domain, stamps as sites write them."""

from collections.abc import Mapping, Sequence

import pandas as pd

from flows.simulate.adverse_events import AdverseEvent
from flows.simulate.charting import VITALS, Measurement
from flows.simulate.design import ACTIVE, STUDY_ID, Subject
from flows.simulate.laboratory import LYM_NORMAL, Count
from flows.simulate.timeline import local_date, local_stamp, local_stamps, utc_stamps

DOSE_UG_PER_KG = 10
"""Micrograms per kilogram of body weight (NCT03821038); placebo is 0."""


def demographics(subjects: Sequence[Subject]) -> pd.DataFrame:
    """Return DM: one row a subject."""
    rows = [
        {
            "USUBJID": one.usubjid,
            "SUBJID": one.usubjid.removeprefix(f"{STUDY_ID}-"),
            "SITEID": one.site,
            "RFSTDTC": local_stamp(one.given[0].start, one.zone),
            "RFXSTDTC": local_stamp(one.given[0].start, one.zone),
            "RFXENDTC": local_stamp(one.given[-1].end, one.zone),
            "AGE": str(one.age),
            "AGEU": "YEARS",
            "SEX": one.sex,
            **dict.fromkeys(("ARMCD", "ARM", "ACTARMCD", "ACTARM"), one.arm),
            "COUNTRY": "USA" if one.american else "FRA",
        }
        for one in subjects
    ]
    return _identified("DM", pd.DataFrame(rows))


def exposure(subjects: Sequence[Subject]) -> pd.DataFrame:
    """Return EX: one row a dose that was reached; those not given carry a reason and the day alone."""
    rows = [
        {
            "USUBJID": one.usubjid,
            "EXSEQ": str(order),
            "EXTRT": one.arm,
            "EXDOSE": str(DOSE_UG_PER_KG if one.arm == ACTIVE else 0) if dose.given else "",
            "EXDOSU": "ug/kg" if dose.given else "",
            "EXDOSFRM": "SOLUTION",
            "EXROUTE": "INTRAVENOUS",
            "EXSTAT": "" if dose.given else "NOT DONE",
            "EXREASND": dose.not_given or "",
            "EXSTDTC": (local_stamp if dose.given else local_date)(dose.start, one.zone),
            "EXENDTC": local_stamp(dose.end, one.zone) if dose.given else "",
        }
        for one in subjects
        for order, dose in enumerate(one.doses, start=1)
    ]
    return _identified("EX", pd.DataFrame(rows))


def adverse_events(events: Mapping[str, Sequence[AdverseEvent]], subjects: Sequence[Subject]) -> pd.DataFrame:
    """Return AE: one row an event, with the time of its entry."""
    rows = [
        {
            "USUBJID": one.usubjid,
            "AESEQ": str(order),
            "AETERM": event.term,
            "AEDECOD": event.term,
            "AESER": "Y" if event.serious else "N",
            "AETOXGR": str(event.grade),
            "AEREL": "Y" if event.related else "N",
            "AEACN": "DOSE NOT CHANGED",
            "AEOUT": "RECOVERED/RESOLVED",
            "AESTDTC": (local_stamp if event.timed else local_date)(event.start, one.zone),
            "AEENDTC": (local_stamp if event.timed else local_date)(event.end, one.zone),
            "ENTERED": utc_stamps([event.entered])[0],
        }
        for one in subjects
        for order, event in enumerate(events[one.usubjid], start=1)
    ]
    return _identified("AE", pd.DataFrame(rows))


def vital_signs(
    measurements: Mapping[str, Sequence[Measurement]], subjects: Sequence[Subject]
) -> pd.DataFrame:
    """Return VS: one row a measurement in the unit of the site, with the time of its entry."""
    parts = [_charted(subject, measurements[subject.usubjid]) for subject in subjects]
    return _identified("VS", pd.concat(parts, ignore_index=True))


def _charted(subject: Subject, measurements: Sequence[Measurement]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "USUBJID": subject.usubjid,
            "VSSEQ": [str(order) for order in range(1, len(measurements) + 1)],
            "VSTESTCD": [one.test for one in measurements],
            "VSORRES": [
                "" if one.value is None else f"{one.value:.{VITALS[one.test].decimals}f}"
                for one in measurements
            ],
            "VSORRESU": [one.unit for one in measurements],
            "VSSTAT": ["NOT DONE" if one.value is None else "" for one in measurements],
            "VSDTC": local_stamps([one.minute for one in measurements], subject.zone),
            "ENTERED": utc_stamps([one.entered for one in measurements]),
        }
    )


def laboratory(counts: Mapping[str, Sequence[Count]], subjects: Sequence[Subject]) -> pd.DataFrame:
    """Return LB: one row a lymphocyte count, with its normal range."""
    rows = [
        {
            "USUBJID": one.usubjid,
            "LBSEQ": str(order),
            "LBTESTCD": "LYM",
            "LBTEST": "Lymphocytes",
            "LBORRES": f"{count.value:.2f}",
            "LBORRESU": "10^9/L",
            "LBSTRESC": f"{count.value:.2f}",
            "LBSTRESN": f"{count.value:.2f}",
            "LBSTRESU": "10^9/L",
            "LBSTNRLO": f"{LYM_NORMAL[0]:.1f}",
            "LBSTNRHI": f"{LYM_NORMAL[1]:.1f}",
            "LBDTC": local_stamp(count.minute, one.zone),
            "ENTERED": utc_stamps([count.entered])[0],
        }
        for one in subjects
        for order, count in enumerate(counts[one.usubjid], start=1)
    ]
    return _identified("LB", pd.DataFrame(rows))


def _identified(domain: str, table: pd.DataFrame) -> pd.DataFrame:
    table.insert(0, "STUDYID", STUDY_ID)
    table.insert(1, "DOMAIN", domain)
    return table
