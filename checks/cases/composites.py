"""Composite onsets: every component newly present in one dose's hours, and the same in control hours.

Method: new onsets, never prevalent states, found alike in risk and control hours (self-controlled risk
interval design; Baker, Lieu & Rosenthal-type comparisons as reviewed in Li et al., Vaccine 2016).
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise

import numpy as np
import pandas as pd

from checks.cases.charts import Charts, extremes, measurement_labels, on_axis
from checks.cases.dose_windows import seconds, subject_codes
from checks.cases.joined_onsets import Onset, merge_reports
from checks.cases.measured_onsets import Anchors, measured_onsets, named_tests
from checks.cases.pairing import Composite, pair_onsets
from checks.cases.reported_onsets import reports
from checks.cases.spans import place
from checks.protocol import StudyProtocol
from checks.protocol.case_definition import Component


def find_composites(anchors: Anchors, charts: Charts, protocol: StudyProtocol) -> list[Composite]:
    """Return every composite onset in the anchors' hours, in the order of the anchors."""
    definition = protocol.case_definition
    onsets: dict[str, Mapping[int, list[Onset]]] = {
        name: _component_onsets(component, anchors, charts, protocol)
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
            every=charts.at_widest,
        )
    return composites


def _component_onsets(
    component: Component, anchors: Anchors, charts: Charts, protocol: StudyProtocol
) -> Mapping[int, list[Onset]]:
    criteria = component.measured
    tests = named_tests(criteria)
    washout = protocol.case_definition.washout_hours
    together_hours = protocol.limits.max_gap_hours if component.all_of else None
    found = measured_onsets(
        anchors,
        on_axis(charts, tests),
        criteria,
        baseline_hours=(-protocol.baseline_hours, 0.0),
        washout_hours=washout,
        together_hours=together_hours,
        extremes=extremes(charts, tests) if charts.at_widest else None,
    )
    measured = _measured(found.onsets, anchors, charts)
    reported = reports(
        component.terms,
        criteria,
        anchors,
        charts,
        baseline_hours=(-protocol.baseline_hours, 0.0),
        washout_hours=washout,
    )
    present = _instants_present(found.present) if reported else {}
    for anchor, reports_here in reported.items():
        merged = merge_reports(
            measured.get(anchor, []),
            present.get(anchor, []),
            reports_here,
            washout_hours=washout,
            at_widest=charts.at_widest,
        )
        measured[anchor] = [onset for onset in merged if onset.known_by >= anchors.starts[anchor]]
    return {anchor: onsets for anchor, onsets in measured.items() if onsets}


def _instants_present(present: pd.DataFrame) -> Mapping[int, list[int]]:
    """Return the instants at which a component was present, by anchor; the rows are in the order of both."""
    anchors, first = np.unique(present["anchor"].to_numpy(), return_index=True)
    axis, bounds = present["axis"].tolist(), [*first.tolist(), len(present)]
    instants = (axis[begins:ends] for begins, ends in pairwise(bounds))
    return dict(zip(anchors.tolist(), instants, strict=True))


def _measured(onsets: pd.DataFrame, anchors: Anchors, charts: Charts) -> dict[int, list[Onset]]:
    shown = sorted({record for rows in onsets["records"] for record in rows})
    labels = dict(zip(shown, measurement_labels(charts.measurements.loc[shown]), strict=True))
    by_anchor: dict[int, list[Onset]] = defaultdict(list)
    columns = (onsets[name].tolist() for name in ("anchor", "earliest", "latest", "certain", "records"))
    for anchor, earliest, latest, sure, rows in zip(*columns, strict=True):
        certain = bool(sure and anchors.exact[anchor])
        evidence = tuple(labels[record] for record in rows)
        by_anchor[anchor].append(Onset(earliest, latest, latest, certain, evidence))
    return dict(by_anchor)


def dose_anchors(doses: pd.DataFrame, known: pd.Index, data_cutoff: datetime) -> Anchors:
    """Return each dose as an anchor: its hours run to the next dose, or to the data cut-off."""
    codes = subject_codes(doses["USUBJID"], known)
    starts = place(codes, seconds(doses["start_earliest"]))
    cutoff = place(codes, np.full(len(codes), int(data_cutoff.timestamp()) + 1, np.int64))
    uncertain = seconds(doses["start_latest"]) - seconds(doses["start_earliest"])
    hours = doses["hours_end"].replace(np.inf, 0).to_numpy()
    next_dose = starts + uncertain + np.round(hours * 3600).astype(np.int64)
    ends = np.where(np.isinf(doses["hours_end"]), cutoff, np.minimum(next_dose, cutoff))
    return Anchors(starts, starts, ends, starts + uncertain)
