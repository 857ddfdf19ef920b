"""Many trials searched for cases at once: their subjects side by side as if of one study, what is found then divided.

A case, an hour of opportunity and a scored block are one subject's alone, so each trial has what a look at it alone
would find in accepted rows: feeds are neither read nor checked here, which is most of a look's time. (The daily
rhythm that severity takes off where doses have an hour of their own is fitted over all trials.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from checks.cases import Case, Findings
from checks.looks import evidence_of, findings_of
from checks.measurements import VITALS, convert
from checks.protocol import StudyProtocol
from checks.rules import Evidence
from checks.rules.evidence import DoseWindow, Event, Opportunity, ScoredDose
from checks.tables import ADMINISTRATIONS, ADVERSE_EVENTS, MEASUREMENTS, QUARANTINE, SUBJECTS, Table
from checks.validation import Validation

OfSubject = TypeVar("OfSubject", Event, DoseWindow, Opportunity, ScoredDose)

BETWEEN = "|"
"""Between the number of a trial and the name of its subject, and between a test and its unit."""


def named(trial: int, subject: str) -> str:
    """Return the name of a trial's subject among those of all: names of one trial follow one another."""
    return f"{trial:07}{BETWEEN}{subject}"


@dataclass(frozen=True, slots=True)
class Together:
    """What was found in many trials."""

    findings: Findings
    validation: Validation

    def evidence(self, protocol: StudyProtocol) -> "ByTrial":
        """Return what the rules of a protocol may see."""
        return ByTrial(evidence_of(self.findings, self.validation, protocol), self._dosed())

    def cases(self) -> Mapping[int, list[Case]]:
        """Return the cases of each trial that has any, with the names of its subjects."""
        found: dict[int, list[Case]] = {}
        for case in self.findings.cases:
            trial, subject = case.USUBJID.split(BETWEEN)
            found.setdefault(int(trial), []).append(replace(case, USUBJID=subject))
        return found

    def _dosed(self) -> NDArray[np.int64]:
        """Return the trial of each subject of the evidence, by its number: their order is that of their names."""
        return np.array(
            [int(name.split(BETWEEN)[0]) for name in sorted(self.findings.doses["USUBJID"].unique())]
        )


@dataclass(frozen=True, slots=True)
class ByTrial:
    """The evidence of many trials, and the trial of each subject in it; background and hours are those of all."""

    whole: Evidence
    trials: NDArray[np.int64]

    def of(self, trial: int) -> Evidence:
        """Return the evidence of one trial."""
        low, high = np.searchsorted(self.trials, [trial, trial + 1])

        def own(rows: Sequence[OfSubject]) -> tuple[OfSubject, ...]:
            return tuple(one for one in rows if low <= one.subject < high)

        whole = self.whole
        return replace(
            whole,
            events=own(whole.events),
            windows=own(whole.windows),
            opportunities=own(whole.opportunities),
            reacting=own(whole.reacting),
            severity=whole.severity.map(own),
            seed=trial,
        )


def search(doses: pd.DataFrame, charted: pd.DataFrame, protocol: StudyProtocol, cutoff: datetime) -> Together:
    """Search many trials at once.

    Parameters
    ----------
    doses
        USUBJID (as ``named`` has it), EXSEQ and time, in UTC.
    charted
        USUBJID, sequence, test, value, unit as charted, and time; values that are not plausible are left out.
    protocol, cutoff
        Of all trials alike.
    """
    subjects = sorted({*doses["USUBJID"].unique(), *charted["USUBJID"].unique()})
    validation = Validation(
        subjects=_table_of(SUBJECTS, {"USUBJID": subjects, "timezone": "UTC"}),
        administrations=_timed(ADMINISTRATIONS, doses),
        measurements=_timed(MEASUREMENTS, _in_canonical_units(charted)),
        adverse_events=ADVERSE_EVENTS.empty(),
        unplaced=frozenset(),
        quarantine=QUARANTINE.empty(),
        checks=(),
        feeds=(),
    )
    return Together(findings_of(validation, protocol, data_cutoff=cutoff), validation)


def _in_canonical_units(charted: pd.DataFrame) -> pd.DataFrame:
    value, unit = (
        charted["value"].to_numpy(np.float64, copy=True),
        charted["unit"].to_numpy(object, copy=True),
    )
    plausible = np.zeros(len(charted), dtype=bool)
    kinds, first = pd.factorize(charted["test"] + BETWEEN + charted["unit"])
    for kind, name in enumerate(first):
        code, written = str(name).split(BETWEEN, 1)
        rows = kinds == kind
        value[rows] = convert(code, value[rows], written)
        unit[rows] = VITALS[code].units[0].name
        low, high = VITALS[code].plausible
        plausible[rows] = (value[rows] >= low) & (value[rows] <= high)
    together = charted.assign(value=value, unit=unit, domain="VS")[plausible]
    return together.drop_duplicates(["USUBJID", "test", "time", "value"])


def _timed(table: Table, rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows as a declared table: each over at the minute at which it began, and trusted."""
    times = dict.fromkeys(
        (name for name in table.columns if name.endswith(("earliest", "latest"))), rows["time"]
    )
    return _table_of(table, {**rows, **times, "trusted": True})


def _table_of(table: Table, columns: Mapping[str, object]) -> pd.DataFrame:
    """Return a declared table of these columns; others that it declares are left empty."""
    frame = pd.DataFrame(dict(columns)).reset_index(drop=True)
    for name, kind in table.columns.items():
        if name not in frame:
            frame[name] = pd.Series(
                pd.NaT if kind.startswith("datetime") else None, index=frame.index, dtype=kind
            )
    return table.conform(frame)
