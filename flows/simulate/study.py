"""A whole simulated study, put together and written: protocol, feeds and truth."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pandas as pd

from checks.errors import UsageError
from flows.files import write_whole
from flows.simulate import sdtm
from flows.simulate.adverse_events import AdverseEvent, report_events
from flows.simulate.charting import Measurement, chart
from flows.simulate.design import STUDY_ID, Subject, enrol
from flows.simulate.laboratory import LIMIT_TIMES_ULN, LYM_NORMAL, Count, count_lymphocytes
from flows.simulate.new_folder import require_new
from flows.simulate.physiology import Course, septic_course
from flows.simulate.reaction import Reaction, plant
from flows.simulate.scenarios import SCENARIOS, Scenario
from flows.simulate.timeline import utc_stamps
from flows.simulate.truth import Truth, describe_case

DEFAULT_SUBJECTS = 21
CUT_OFF_AFTER_LAST_DATUM = 60
"""Minutes from the last thing entered to the data cut-off of the whole study."""


@dataclass(frozen=True, slots=True)
class Study:
    """A simulated study before it is written; mappings are by USUBJID."""

    scenario: Scenario
    seed: int
    subjects: tuple[Subject, ...]
    reactions: Mapping[str, Reaction]
    lymphocytosis: str | None
    courses: Mapping[str, Course]
    measurements: Mapping[str, list[Measurement]]
    events: Mapping[str, list[AdverseEvent]]
    counts: Mapping[str, list[Count]]

    @property
    def data_cutoff(self) -> int:
        """The minute by which everything has been entered."""
        kept = (self.measurements, self.events, self.counts)
        entered = [one.entered for kind in kept for rows in kind.values() for one in rows]
        return max(*entered, *(subject.chart_end for subject in self.subjects)) + CUT_OFF_AFTER_LAST_DATUM


def simulate(scenario: str, out: Path, *, seed: int = 1, subjects: int | None = None) -> Path:
    """Write one simulated study: ``protocol.yaml``, ``feeds/{dm,ex,ae,vs,lb}.csv`` and ``truth.json``.

    The same seed gives the same bytes; studies of one seed share their background, whatever is planted. Of the
    subjects, 21 unless told, 15 in 21 receive the active drug. Returned is ``out``, made if it is not there.

    Raises
    ------
    UsageError
        When the scenario is unknown, the seed negative, fewer than two subjects are asked for, or something is in
        the folder already.
    """
    study = compose(scenario, seed=seed, subjects=DEFAULT_SUBJECTS if subjects is None else subjects)
    require_new(out)
    write_whole(out / "protocol.yaml", files("flows.simulate").joinpath("protocol.yaml").read_bytes())
    for domain, table in tables(study).items():
        written = table.to_csv(index=False, lineterminator="\n")
        write_whole(out / "feeds" / f"{domain}.csv", written)
    told = json.dumps(truth(study), indent=1, ensure_ascii=False) + "\n"
    write_whole(out / "truth.json", told)
    return out


def compose(scenario: str, *, seed: int, subjects: int) -> Study:
    """Return a simulated study in memory; raises as ``simulate`` does."""
    if scenario not in SCENARIOS:
        raise UsageError(f"scenario: found {scenario}; allowed: {', '.join(SCENARIOS)}")
    if seed < 0:
        raise UsageError(f"--seed: found {seed}; allowed: 0 or more")
    return compose_world(SCENARIOS[scenario], seed=seed, subjects=subjects)


def compose_world(world: Scenario, *, seed: int, subjects: int) -> Study:
    """Return a study of any world, also of one that is not offered by name."""
    people = enrol(seed, subjects, dosing_hours=world.dosing_hours)
    reactions = plant(people, world, seed)
    courses = {one.usubjid: septic_course(one, world, reactions.get(one.usubjid), seed) for one in people}
    charts = {one.usubjid: chart(one, courses[one.usubjid], seed, clean=world.clean) for one in people}
    above = next((one.usubjid for one in people if world.lymphocytosis and one.treated), None)
    planted = list(reactions)
    return Study(
        scenario=world,
        seed=seed,
        subjects=people,
        reactions=reactions,
        lymphocytosis=above,
        courses=courses,
        measurements=charts,
        events={
            one.usubjid: report_events(
                one,
                charts[one.usubjid],
                reactions.get(one.usubjid),
                planted.index(one.usubjid) if one.usubjid in reactions else 0,
                seed,
            )
            for one in people
        },
        counts={one.usubjid: count_lymphocytes(one, one.usubjid == above, seed) for one in people},
    )


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """Return the feeds of a study by domain, all text."""
    return {
        "dm": sdtm.demographics(study.subjects),
        "ex": sdtm.exposure(study.subjects),
        "ae": sdtm.adverse_events(study.events, study.subjects),
        "vs": sdtm.vital_signs(study.measurements, study.subjects),
        "lb": sdtm.laboratory(study.counts, study.subjects),
    }


def truth(study: Study) -> Truth:
    """Return what ``truth.json`` says of a study."""
    limit, planted = LIMIT_TIMES_ULN * LYM_NORMAL[1], study.scenario
    return {
        "schema": "postdose/truth/1",
        "simulated": True,
        "study": STUDY_ID,
        "scenario": planted.name,
        "summary": planted.summary,
        "seed": study.seed,
        "subjects": len(study.subjects),
        "data_cutoff": utc_stamps([study.data_cutoff])[0],
        "planted_hours": {
            "fever": planted.fever_onset_hours,
            "respiratory_distress": planted.distress_onset_hours,
        }
        if study.reactions
        else None,
        "cases": [
            describe_case(reaction, study.courses[name], study.measurements[name])
            for name, reaction in study.reactions.items()
        ],
        "lymphocytes_above_limit": [
            name for name, counts in study.counts.items() if any(count.value > limit for count in counts)
        ],
    }
