"""Rows of one feed, prepared beside rows of DM and VS that may tell of them again."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from checks.blinding import STUDY_DRUG
from checks.protocol import load_protocol
from checks.tables import Feed
from checks.validation.dose_times import dose_times
from checks.validation.raw import Setting, Source

PROTOCOL = load_protocol(Path(__file__).parent / "fixtures" / "protocols" / "good.yaml")
CUTOFF = pd.Timestamp("2024-06-20T12:00Z")
ZONES = {"S1": "Europe/Paris", "S2": "Europe/Paris", "S3": "Europe/Paris"}
AGREES = "agrees"


def feed(domain, rows):
    table = pd.DataFrame(rows).astype("str").replace("", pd.NA)
    return Feed(domain, table.assign(source_file="x.csv", source_row=range(2, len(table) + 2)))


def prepared(prepare, domain, rows, dm=(), vs=(), given=None, known_at=None, cutoff=CUTOFF):
    """Prepare rows of one feed, beside rows of DM (all at site FR01) and of VS."""
    subjects = {"USUBJID": list(ZONES), "SITEID": "FR01"}
    columns = dict.fromkeys(["USUBJID", *(name for one in dm for name in one)])
    told = pd.DataFrame(subjects).merge(pd.DataFrame(dm, columns=list(columns)), how="left")
    feeds = {"dm": feed("DM", told), "vs": feed("VS", list(vs) or [{"USUBJID": "S1"}])}
    times = dose_times(feeds, ZONES, PROTOCOL.treatment.names, cutoff)
    sites, protocol = dict.fromkeys(ZONES, "FR01"), PROTOCOL
    if given is not None:
        times = replace(times, given=given)
    if known_at is not None:
        declared = protocol.feeds.by_domain()[domain].model_copy(update={"known_at": known_at})
        feeds_known = protocol.feeds.model_copy(update={domain.lower(): declared})
        protocol = protocol.model_copy(update={"feeds": feeds_known})
    setting = Setting(protocol, cutoff, ZONES, {}, sites=sites, dose_times=times)
    return prepare(Source(domain, feed(domain, rows).table, setting))


def doses(*starts, subject="S1"):
    return [
        {"USUBJID": subject, "EXSEQ": str(number), "EXTRT": STUDY_DRUG, "EXDOSE": "1", "EXSTDTC": start}
        for number, start in enumerate(starts, 1)
    ]


def temperature(time, value="38.9", **row):
    return {"USUBJID": "S1", "VSTESTCD": "TEMP", "VSORRES": value, "VSORRESU": "C", "VSDTC": time, **row}


def reasons(prepared, column):
    found = prepared.judged[column].astype("object")
    return [None if pd.isna(one) else one for one in found]


def span(prepared, row=0):
    return tuple(f"{one:%dT%H:%M}" for one in prepared.typed.loc[row, ["earliest", "latest"]])
