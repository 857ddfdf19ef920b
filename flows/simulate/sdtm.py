"""A simulated study as SDTM: one text table a domain, stamps as sites write them."""

from collections.abc import Mapping, Sequence

import pandas as pd

from flows.simulate.adverse_events import AdverseEvent
from flows.simulate.charting import Measurement
from flows.simulate.design import ACTIVE, STUDY_ID, Subject
from flows.simulate.laboratory import LYM_NORMAL, Count
from flows.simulate.timeline import local_date, local_stamp, local_stamps, utc_stamps

DOSE_UG_PER_KG = 10
"""Micrograms per kilogram of body weight (NCT03821038); placebo is 0."""
TRANSIENT = "RECOVERED/RESOLVED"


def demographics(subjects: Sequence[Subject]) -> pd.DataFrame:
    """Return DM: one row a subject."""
    return _table("DM", [_person(subject) for subject in subjects])


def exposure(subjects: Sequence[Subject]) -> pd.DataFrame:
    """Return EX: one row a dose that was reached; those not given carry a reason and the day alone."""
    return _table(
        "EX", [_dose(subject, index) for subject in subjects for index in range(len(subject.doses))]
    )


def adverse_events(events: Mapping[str, Sequence[AdverseEvent]], subjects: Sequence[Subject]) -> pd.DataFrame:
    """Return AE: one row an event, with the time of its entry."""
    return _table(
        "AE",
        [
            {"USUBJID": subject.usubjid, "AESEQ": str(order)} | _event(event, subject.zone)
            for subject in subjects
            for order, event in enumerate(events[subject.usubjid], start=1)
        ],
    )


def vital_signs(
    measurements: Mapping[str, Sequence[Measurement]], subjects: Sequence[Subject]
) -> pd.DataFrame:
    """Return VS: one row a measurement in the unit of the site, with the time of its entry."""
    parts = [_charted(subject, measurements[subject.usubjid]) for subject in subjects]
    return _identify("VS", pd.concat(parts, ignore_index=True))


def laboratory(counts: Mapping[str, Sequence[Count]], subjects: Sequence[Subject]) -> pd.DataFrame:
    """Return LB: one row a lymphocyte count, with its normal range."""
    return _table(
        "LB",
        [
            {"USUBJID": subject.usubjid, "LBSEQ": str(order)} | _count(count, subject.zone)
            for subject in subjects
            for order, count in enumerate(counts[subject.usubjid], start=1)
        ],
    )


def to_csv(table: pd.DataFrame) -> bytes:
    """Return a table as the bytes of a CSV file: UTF-8, line feeds, the same on any machine."""
    return table.to_csv(index=False, lineterminator="\n").encode()


def _person(subject: Subject) -> dict[str, str]:
    first, last = subject.given[0], subject.given[-1]
    return {
        "USUBJID": subject.usubjid,
        "SUBJID": subject.usubjid.removeprefix(f"{STUDY_ID}-"),
        "SITEID": subject.site,
        "RFSTDTC": local_stamp(first.start, subject.zone),
        "RFXSTDTC": local_stamp(first.start, subject.zone),
        "RFXENDTC": local_stamp(last.end, subject.zone),
        "AGE": str(subject.age),
        "AGEU": "YEARS",
        "SEX": subject.sex,
        "ARMCD": subject.arm,
        "ARM": subject.arm,
        "ACTARMCD": subject.arm,
        "ACTARM": subject.arm,
        "COUNTRY": "USA" if subject.site.startswith("US") else "FRA",
    }


def _dose(subject: Subject, index: int) -> dict[str, str]:
    dose, zone = subject.doses[index], subject.zone
    given = dose.not_given is None
    return {
        "USUBJID": subject.usubjid,
        "EXSEQ": str(index + 1),
        "EXTRT": subject.arm,
        "EXDOSE": str(DOSE_UG_PER_KG if subject.arm == ACTIVE else 0) if given else "",
        "EXDOSU": "ug/kg" if given else "",
        "EXDOSFRM": "SOLUTION",
        "EXROUTE": "INTRAVENOUS",
        "EXSTAT": "" if given else "NOT DONE",
        "EXREASND": dose.not_given or "",
        "EXSTDTC": local_stamp(dose.start, zone) if given else local_date(dose.start, zone),
        "EXENDTC": local_stamp(dose.end, zone) if given else "",
    }


def _event(event: AdverseEvent, zone: str) -> dict[str, str]:
    stamp = local_stamp if event.timed else local_date
    return {
        "AETERM": event.term,
        "AEDECOD": event.term,
        "AESER": "Y" if event.serious else "N",
        "AETOXGR": str(event.grade),
        "AEREL": "Y" if event.related else "N",
        "AEACN": "DOSE NOT CHANGED",
        "AEOUT": TRANSIENT,
        "AESTDTC": stamp(event.start, zone),
        "AEENDTC": stamp(event.end, zone),
        "ENTERED": utc_stamps([event.entered])[0],
    }


def _charted(subject: Subject, measurements: Sequence[Measurement]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "USUBJID": subject.usubjid,
            "VSSEQ": [str(order) for order in range(1, len(measurements) + 1)],
            "VSTESTCD": [one.test for one in measurements],
            "VSORRES": [_number(one) for one in measurements],
            "VSORRESU": [one.unit for one in measurements],
            "VSSTAT": ["NOT DONE" if one.value is None else "" for one in measurements],
            "VSDTC": local_stamps([one.minute for one in measurements], subject.zone),
            "ENTERED": utc_stamps([one.entered for one in measurements]),
        }
    )


def _number(one: Measurement) -> str:
    if one.value is None:
        return ""
    return f"{one.value:.1f}" if one.test == "TEMP" else f"{one.value:.0f}"


def _count(count: Count, zone: str) -> dict[str, str]:
    result = f"{count.value:.2f}"
    return {
        "LBTESTCD": "LYM",
        "LBTEST": "Lymphocytes",
        "LBORRES": result,
        "LBORRESU": "10^9/L",
        "LBSTRESC": result,
        "LBSTRESN": result,
        "LBSTRESU": "10^9/L",
        "LBSTNRLO": f"{LYM_NORMAL[0]:.1f}",
        "LBSTNRHI": f"{LYM_NORMAL[1]:.1f}",
        "LBDTC": local_stamp(count.minute, zone),
        "ENTERED": utc_stamps([count.entered])[0],
    }


def _table(domain: str, rows: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    return _identify(domain, pd.DataFrame(rows))


def _identify(domain: str, table: pd.DataFrame) -> pd.DataFrame:
    table.insert(0, "STUDYID", STUDY_ID)
    table.insert(1, "DOMAIN", domain)
    return table
