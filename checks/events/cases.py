"""Decide who is a case: every component newly present in one dose's hours, and the same in control hours.

Method: new onsets, never prevalent states, found alike in risk and control hours (self-controlled risk
interval design; Baker, Lieu & Rosenthal-type comparisons as reviewed in Li et al., Vaccine 2016).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.events.criteria import Flags, VitalCriterion, terms, vital_criteria, vitals_of
from checks.events.evidence import Onset, merge_reports
from checks.events.onsets import Anchors, Measurements, spread, vital_onsets
from checks.events.pairing import Composite, pair_onsets
from checks.exposure import seconds, subject_codes
from checks.exposure.spans import HOUR, Instants, place
from checks.protocol import StudyProtocol
from checks.protocol.model import Component


@dataclass(frozen=True, slots=True)
class Records:
    """The subjects' readings and adverse events that one pass over the anchors may use."""

    readings: pd.DataFrame
    adverse_events: pd.DataFrame
    known: pd.Index

    @property
    def any_withheld(self) -> bool:
        """Whether a quarantined row is among the records."""
        return not (self.readings["trusted"].all() and self.adverse_events["trusted"].all())

    def trusted(self) -> "Records":
        """Return the records that passed every check."""
        return Records(
            self.readings[self.readings["trusted"]],
            self.adverse_events[self.adverse_events["trusted"]],
            self.known,
        )


def measurements(records: Records, vitals: Sequence[str]) -> Measurements:
    """Return the readings of the given vitals that have an instant, in order on the shared axis."""
    readings = records.readings
    wanted = readings["VSTESTCD"].isin(vitals) & (readings["earliest"] == readings["latest"])
    rows = readings[wanted]
    codes = subject_codes(rows["USUBJID"], records.known)
    axis = place(codes, seconds(rows["earliest"]))
    kinds = pd.Index(vitals).get_indexer(pd.Index(rows["VSTESTCD"])).astype(np.int64)
    order = np.lexsort((rows.index.to_numpy(), kinds, axis))
    order = order[codes[order] >= 0]
    return Measurements(
        axis[order],
        kinds[order],
        rows["value"].to_numpy()[order],
        rows["alternative"].to_numpy()[order],
        rows["trusted"].to_numpy()[order],
        rows.index.to_numpy()[order],
    )


def find_composites(anchors: Anchors, records: Records, protocol: StudyProtocol) -> list[Composite]:
    """Return every composite onset in the anchors' hours, in the order of the anchors."""
    definition = protocol.case_definition
    onsets: dict[str, Mapping[int, list[Onset]]] = {
        name: _component_onsets(component, anchors, records, protocol)
        for name, component in definition.components.items()
    }
    everywhere = set.intersection(*(set(found) for found in onsets.values()))
    composites: list[Composite] = []
    for anchor in sorted(everywhere):
        composites += pair_onsets(
            anchor,
            {name: found[anchor] for name, found in onsets.items()},
            within_hours=definition.onsets_within_hours,
            washout_hours=definition.washout_hours,
        )
    return composites


def _component_onsets(
    component: Component, anchors: Anchors, records: Records, protocol: StudyProtocol
) -> Mapping[int, list[Onset]]:
    criteria = vital_criteria(component)
    vitals = vitals_of(criteria)
    washout = protocol.case_definition.washout_hours
    together_hours = protocol.limits.max_gap_hours if component.all_of else None
    found = vital_onsets(
        anchors,
        measurements(records, vitals),
        criteria,
        vitals,
        baseline_hours=protocol.baseline_hours,
        washout_hours=washout,
        together_hours=together_hours,
    )
    measured = _measured(found.onsets, anchors, records)
    reports = _reports(anchors, _reported(component, criteria, records), washout)
    present = found.present.groupby("anchor")["axis"].agg(list) if reports else pd.Series(dtype=object)
    for anchor, reported in reports.items():
        merged = merge_reports(
            measured.get(anchor, []), present.get(anchor, []), reported, washout_hours=washout
        )
        measured[anchor] = [onset for onset in merged if onset.known_by >= anchors.starts[anchor]]
    return {anchor: onsets for anchor, onsets in measured.items() if onsets}


def _measured(onsets: pd.DataFrame, anchors: Anchors, records: Records) -> dict[int, list[Onset]]:
    labels = records.readings["VSSEQ"]
    by_anchor: dict[int, list[Onset]] = defaultdict(list)
    columns = (onsets[name].tolist() for name in ("anchor", "earliest", "latest", "certain", "records"))
    for anchor, earliest, latest, sure, rows in zip(*columns, strict=True):
        certain = bool(sure and anchors.exact[anchor])
        evidence = tuple(f"VS:VSSEQ={labels.at[record]}" for record in rows)
        by_anchor[anchor].append(Onset(earliest, latest, latest, certain, evidence))
    return dict(by_anchor)


def _reported(component: Component, criteria: Sequence[VitalCriterion], records: Records) -> pd.DataFrame:
    """Return what was reported rather than measured at an instant: adverse events, and date-only readings."""
    events = records.adverse_events
    named = events[events["term"].isin(terms(component))]
    reported = named.assign(label="AE:AESEQ=" + named["AESEQ"].astype("str"))
    readings = records.readings
    dated = readings[
        (readings["earliest"] < readings["latest"]) & readings["VSTESTCD"].isin(vitals_of(criteria))
    ]
    abnormal = np.zeros(len(dated), bool)
    for criterion in criteria:
        if not criterion.relative:
            values = np.where(dated["VSTESTCD"] == criterion.vital, dated["value"], np.nan)
            abnormal |= criterion.within_bound(values)
    dated = dated[abnormal].assign(label=lambda rows: "VS:VSSEQ=" + rows["VSSEQ"].astype("str"), timed=False)
    columns = ["USUBJID", "earliest", "latest", "timed", "label"]
    return pd.concat([reported[columns], dated[columns]]).assign(
        code=lambda rows: subject_codes(rows["USUBJID"], records.known)
    )


def _reports(anchors: Anchors, reported: pd.DataFrame, washout_hours: float) -> dict[int, list[Onset]]:
    """Return, for each anchor, the reports whose interval meets its hours or the washout before them."""
    washout = int(washout_hours * HOUR)
    rows = reported[reported["code"] >= 0]
    codes = rows["code"].to_numpy(np.int64)
    earliest, latest = place(codes, seconds(rows["earliest"])), place(codes, seconds(rows["latest"]))
    owners: Instants = anchors.times >> 36
    order = np.argsort(owners, kind="stable")
    first = np.searchsorted(owners[order], codes, side="left")
    counts = np.searchsorted(owners[order], codes, side="right") - first
    row, offset = spread(counts)
    anchor = order[first[row] + offset]
    meets = (earliest[row] < anchors.ends[anchor]) & (latest[row] >= anchors.starts[anchor] - washout)
    by_anchor: dict[int, list[Onset]] = defaultdict(list)
    timed, labels = rows["timed"].to_numpy(bool), rows["label"].to_numpy(object)
    for which, where in zip(row[meets], anchor[meets], strict=True):
        by_anchor[int(where)].append(_report(which, where, anchors, earliest, latest, timed, labels))
    return dict(by_anchor)


def _report(
    which: int,
    where: int,
    anchors: Anchors,
    earliest: Instants,
    latest: Instants,
    timed: Flags,
    labels: npt.NDArray[np.object_],
) -> Onset:
    instant = bool(timed[which]) and earliest[which] == latest[which]
    begins, ends = int(earliest[which]), int(latest[which])
    if ends >= anchors.starts[where]:  # what lies wholly before is kept as it is: it shows what was present
        begins = max(begins, int(anchors.starts[where]))
        ends = min(ends, int(anchors.ends[where]) - 1)
    certain = instant and bool(anchors.exact[where])
    return Onset(begins, max(begins, ends), begins if instant else None, certain, (str(labels[which]),))


def dose_anchors(doses: pd.DataFrame, known: pd.Index, data_cutoff: datetime) -> Anchors:
    """Return each dose as an anchor: its hours run to the next dose, or to the data cut-off."""
    codes = subject_codes(doses["USUBJID"], known)
    starts = place(codes, seconds(doses["start_earliest"]))
    cutoff = place(codes, np.full(len(codes), int(data_cutoff.timestamp()) + 1, np.int64))
    uncertain = seconds(doses["start_latest"]) - seconds(doses["start_earliest"])
    hours = doses["hours_end"].replace(np.inf, 0).to_numpy()
    next_dose = starts + uncertain + np.round(hours * 3600).astype(np.int64)
    ends = np.where(np.isinf(doses["hours_end"]), cutoff, np.minimum(next_dose, cutoff))
    return Anchors(starts, starts, ends, (doses["start_earliest"] == doses["start_latest"]).to_numpy())
