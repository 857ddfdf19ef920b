"""A study made of real charts: doses and cases made up, everything else as a user has charted it.

So the power and the false alarms of a protocol are known in its own kind of patient, before the first dose. The
study is simulated, and says so: its protocol has the rules and the case definition of the one it is made from,
but sites, feeds and alerts of its own, so that nobody is notified of what never happened.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypedDict, cast

import numpy as np
import pandas as pd
import yaml
from numpy.random import Generator, default_rng

from checks.errors import UsageError
from checks.protocol import load_protocol
from checks.protocol.document import read_document
from flows.files import write_whole
from flows.simulate.new_folder import require_new
from flows.simulate.planting import Dosed, Planted, Planting, Range, plant_cases
from flows.simulate.real_charts import Charts, Floats

STUDY_ID, DRUG = "PLANTED", "STUDYDRUG"
EXAMPLE = Path(__file__).with_name("protocol.yaml")
SAYS_SO = "SIMULATED: doses and cases are made up, in real charts"
CONTROL_BEFORE: Range = (-24, -6)
DAYS_APART = 6
"""Subjects enter so many days apart, so that looks have an order."""
CUT_OFF_DAYS = 4
"""From the last thing charted or given to the data cut-off."""
HARMLESS = ("HEADACHE", "NAUSEA", "CONSTIPATION", "RASH", "INSOMNIA")
"""Reported in every second subject, so that the feed of adverse events is not empty."""
FEEDS = ("dm", "ex", "vs", "ae")
DRAWS = 20260105
"""Beside the seed: the stream of draws of a planting."""

Tables = dict[str, pd.DataFrame]


class PlantedCase(TypedDict):
    """One planted case as ``truth.json`` lists it; hours are since dose start."""

    USUBJID: str
    dose_number: int
    dose_start: str
    onset_hour: float
    both_visible_hour: float | None
    both_in_window: bool
    abnormal_6h_before: dict[str, int]


class PlantedTruth(TypedDict):
    """``truth.json`` of a planted study."""

    simulated: bool
    seed: int
    window: Range
    nurse: str | None
    subjects: int
    doses: int
    data_cutoff: str
    beyond_chart: bool
    dose_hour: float | None
    planted: list[PlantedCase]


@dataclass(frozen=True, slots=True, eq=False)
class PlantedStudy:
    """The feeds by domain, all text, and the truth of one planted study."""

    feeds: Tables
    truth: PlantedTruth


@dataclass(frozen=True, slots=True)
class _Entered:
    """A dosed subject, and when hour 0 of the chart is in the study's calendar."""

    dosed: Dosed
    zero: datetime

    @property
    def usubjid(self) -> str:
        return self.dosed.chart.usubjid

    @property
    def ends(self) -> datetime:
        """The last thing charted or given."""
        return self.zero + timedelta(hours=max(self.dosed.chart.lasts, *self.dosed.doses, 0))

    def stamps(self, hours: Floats) -> list[str]:
        minutes = pd.to_timedelta(np.round(hours * 60), unit="m")
        return list((pd.Timestamp(self.zero) + minutes).strftime("%Y-%m-%dT%H:%M"))


def plant(charts: Charts, planting: Planting) -> PlantedStudy:
    """Return the feeds and the truth of a study planted in charts; the same planting gives the same study.

    Raises
    ------
    UsageError
        When too few charts are long enough.
    """
    rng = default_rng([planting.seed, DRAWS])
    entered = [
        _Entered(one, one.chart.begin.floor("min").to_pydatetime() + timedelta(days=DAYS_APART * order))
        for order, one in enumerate(plant_cases(charts.charts, planting, rng))
    ]
    feeds = {
        "dm": _demographics(entered),
        "ex": _exposure(entered),
        "vs": _vital_signs(entered),
        "ae": _adverse_events(entered, rng),
    }
    return PlantedStudy(feeds, _truth(entered, planting))


def write_planted(out: Path, study: PlantedStudy, protocol: str) -> None:
    """Write ``protocol.yaml``, ``feeds/{dm,ex,vs,ae}.csv`` and ``truth.json`` into a new folder.

    Raises
    ------
    UsageError
        When there is something in the folder already.
    """
    require_new(out)
    write_whole(out / "protocol.yaml", protocol)
    for domain, table in study.feeds.items():
        written = table.to_csv(index=False, lineterminator="\n")
        write_whole(out / "feeds" / f"{domain}.csv", written)
    told = json.dumps(study.truth, indent=1) + "\n"
    write_whole(out / "truth.json", told)


def planted_protocol(source: Path, sites: Iterable[str], planting: Planting) -> str:
    """Return the protocol of a planted study: that of a file, but for what is the study's own.

    Kept are case definition, baseline, background, rules and watch. Control windows are kept unless the planted
    window is not the file's risk window: then they lie around it, four hours after it and later.

    Raises
    ------
    ProtocolError
        When the file has problems.
    UsageError
        When its cases need more than vital signs and adverse events.
    """
    protocol = load_protocol(source)
    beyond = sorted(test for domain, test in protocol.case_definition.tests if domain.lower() not in FEEDS)
    if beyond:
        raise UsageError(f"--protocol {source}: found a case of {beyond[0]}; allowed: tests that charts hold")
    text = source.read_bytes().removeprefix(b"\xef\xbb\xbf")
    document = read_document(str(source), text).values
    own = _own_sections(sorted(set(sites)), planting)
    if planting.window != protocol.risk_window_hours:
        own["risk_window_hours"] = list(planting.window)
        own["control_windows_hours"] = [list(CONTROL_BEFORE), [max(12, planting.window[1] + 4), 48]]
    kept = [
        written
        for rule, written in zip(protocol.rules, cast("list[object]", document["rules"]), strict=True)
        if rule.kind != "lab_limit"
    ]
    whole = {**document, **own, "rules": kept}
    return (
        f"# {SAYS_SO}\n{yaml.dump(whole, Dumper=_AsWritten, sort_keys=False, width=110, allow_unicode=True)}"
    )


class _AsWritten(yaml.SafeDumper):
    """Writes text as it was read: a number without quotes."""

    def represent_str(self, text: str) -> yaml.ScalarNode:
        tag = self.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]  # the stubs' gap
        return self.represent_scalar(tag, text)


_AsWritten.add_representer(str, _AsWritten.represent_str)


def _own_sections(sites: list[str], planting: Planting) -> dict[str, object]:
    """Return what a planted study does not take from another: who, where, which feeds, who is notified."""
    return {
        "study": {"id": STUDY_ID, "title": SAYS_SO, "timezone": "UTC", "simulated": True},
        "sites": dict.fromkeys(sites, "UTC"),
        "treatment": {"names": [DRUG], "planned_doses": planting.doses},
        "feeds": {
            domain: {"path": f"feeds/{domain}.csv", "mode": "cumulative", "max_age_hours": 2160}
            for domain in FEEDS
        },
        "alerts": {
            "routes": [{"role": "nobody", "verdicts": ["watch", "signal"], "channels": ["file:outbox/"]}]
        },
    }


def _demographics(entered: list[_Entered]) -> pd.DataFrame:
    rows = {"USUBJID": [one.usubjid for one in entered], "SITEID": [one.dosed.chart.site for one in entered]}
    return _identified("DM", pd.DataFrame(rows))


def _exposure(entered: list[_Entered]) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "USUBJID": one.usubjid,
                "EXSEQ": [str(number) for number in range(1, len(one.dosed.doses) + 1)],
                "EXTRT": DRUG,
                "EXDOSE": "10",
                "EXDOSU": "ug/kg",
                "EXROUTE": "INTRAVENOUS",
                "EXSTDTC": one.stamps(np.array(one.dosed.doses)),
            }
        )
        for one in entered
    ]
    return _identified("EX", pd.concat(parts, ignore_index=True))


def _vital_signs(entered: list[_Entered]) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "USUBJID": one.usubjid,
                "VSSEQ": [str(order) for order in range(1, len(one.dosed.chart.test) + 1)],
                "VSTESTCD": one.dosed.chart.test,
                "VSORRES": one.dosed.chart.text,
                "VSORRESU": one.dosed.chart.unit,
                "VSDTC": one.stamps(one.dosed.chart.hour),
            }
        )
        for one in entered
    ]
    return _identified("VS", pd.concat(parts, ignore_index=True))


def _adverse_events(entered: list[_Entered], rng: Generator) -> pd.DataFrame:
    rows = [
        {
            "USUBJID": one.usubjid,
            "AESEQ": "1",
            "AETERM": HARMLESS[order % len(HARMLESS)].capitalize(),
            "AEDECOD": HARMLESS[order % len(HARMLESS)],
            "AESTDTC": one.stamps(np.array([rng.uniform(0, one.dosed.chart.lasts)]))[0],
            "AESER": "N",
        }
        for order, one in enumerate(entered)
        if order % 2 == 0
    ]
    return _identified("AE", pd.DataFrame(rows))


def _identified(domain: str, table: pd.DataFrame) -> pd.DataFrame:
    table.insert(0, "STUDYID", STUDY_ID)
    table.insert(1, "DOMAIN", domain)
    return table.astype(str)


def _truth(entered: list[_Entered], planting: Planting) -> PlantedTruth:
    cutoff = max(one.ends for one in entered) + timedelta(days=CUT_OFF_DAYS)
    return {
        "simulated": True,
        "seed": planting.seed,
        "window": planting.window,
        "nurse": planting.nurse if planting.cases else None,
        "subjects": planting.subjects,
        "doses": sum(len(one.dosed.doses) for one in entered),
        "data_cutoff": cutoff.strftime("%Y-%m-%dT00:00:00Z"),
        "beyond_chart": planting.beyond_chart,
        "dose_hour": planting.dose_hour,
        "planted": [_told(one, one.dosed.case) for one in entered if one.dosed.case is not None],
    }


def _told(one: _Entered, case: Planted) -> PlantedCase:
    dose = np.array([one.dosed.doses[case.dose_number - 1]])
    return {
        "USUBJID": one.usubjid,
        "dose_number": case.dose_number,
        "dose_start": one.stamps(dose)[0] + "Z",
        "onset_hour": case.onset_hour,
        "both_visible_hour": case.both_visible_hour,
        "both_in_window": case.both_in_window,
        "abnormal_6h_before": case.abnormal_before,
    }
