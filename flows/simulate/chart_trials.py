"""How a protocol does in charts that a user has: what looks see of planted cases, and how often its rules cross.

Each trial plants a study of its own seed in the charts and looks at it whole, once. Charts are drawn again and
again, so that limits, which take trials and cases for independent, are somewhat too narrow.
"""

import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from checks.cases.charting import Charting, charting
from checks.looks import Look, look
from checks.protocol import StudyProtocol, load_protocol
from checks.rules.designs import Estimate, estimate
from flows.simulate.planted import PlantedCase, PlantedStudy, plant, planted_protocol
from flows.simulate.planting import FEWEST_HOURS, Planting
from flows.simulate.progress import Progress
from flows.simulate.real_charts import Charts

NEAR_HOURS = 3.0
"""How far the interval of a case may be from the hour at which a planted case became visible, to be that case."""


@dataclass(frozen=True, slots=True)
class InCharts:
    """What looks at studies planted in charts said, with so many cases each: shares of trials.

    ``yes`` and ``yes_or_possible`` are shares of the planted cases, None where none is planted.
    """

    planting: Planting
    cases_planted: int
    by_rule: Mapping[str, Estimate]
    any_rule: Estimate
    watch: Estimate
    yes: Estimate | None
    yes_or_possible: Estimate | None


@dataclass(frozen=True, slots=True)
class ChartTrials:
    """Trials in charts: without harm, and with cases charted by an alert and by a lazy nurse.

    ``charting`` is that of the first trial without harm, against the protocol's hours.
    """

    charts: int
    trials: int
    settings: tuple[InCharts, ...]
    charting: tuple[Charting, ...]


def try_in_charts(source: Path, charts: Charts, *, trials: int, subjects: int, seed: int) -> ChartTrials:
    """Return how the rules of a protocol file do in charts, over so many trials of each kind.

    Of the planned subjects there are at most as many as there are charts long enough.

    Raises
    ------
    UsageError
        When a case needs more than vital signs and adverse events, or no chart is long enough.
    """
    declared = load_protocol(source)
    long_enough = sum(one.lasts >= FEWEST_HOURS for one in charts.charts)
    planned = Planting(
        seed=seed,
        subjects=max(1, min(subjects, long_enough)),
        doses=declared.treatment.planned_doses or 1,
        window=declared.risk_window_hours,
    )
    protocol = protocol_in_charts(source, charts, planned)
    kinds = (replace(planned, cases=0), planned, replace(planned, nurse="lazy"))
    progress = Progress("Trial in charts", trials * len(kinds))
    settings = []
    for planting in kinds:
        counts = _Counts()
        for number in range(trials):
            study = plant(charts, replace(planting, seed=seed + number))
            counts.add(study, look_at_planted(study, protocol))
            progress.add()
        settings.append(counts.shares(planting, trials))
    as_it_is = look_at_planted(plant(charts, kinds[0]), protocol)
    return ChartTrials(long_enough, trials, tuple(settings), _charting(as_it_is))


def _charting(found: Look) -> tuple[Charting, ...]:
    seen = found.validation
    return charting(seen.measurements, seen.subjects, found.doses, found.protocol, found.data_cutoff)


def protocol_in_charts(source: Path, charts: Charts, planting: Planting) -> StudyProtocol:
    """Return the protocol of studies planted in charts with the rules of a file; raises as ``try_in_charts``."""
    text = planted_protocol(source, (one.site for one in charts.charts), planting)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "protocol.yaml"
        path.write_text(text, encoding="utf-8")
        return load_protocol(path)


def look_at_planted(study: PlantedStudy, protocol: StudyProtocol) -> Look:
    """Return the look at a whole planted study."""
    return look(study.feeds, protocol, data_cutoff=datetime.fromisoformat(study.truth["data_cutoff"]))


def how_seen(planted: PlantedCase, seen: Look) -> str:
    """Return yes, possible or no: how a look has a planted case.

    It has it by a case of the subject, listed under the planted dose, whose interval holds the hour at which both
    components became visible or is within three hours of it (of the onset, where they never did): yes where its
    ``in_risk_window`` is yes, possible where it is that.
    """
    visible = planted["both_visible_hour"]
    hour = planted["onset_hour"] if visible is None else visible
    dose = (planted["USUBJID"], planted["dose_number"])
    found = {
        case.in_risk_window
        for case in seen.cases
        if (case.USUBJID, case.dose_number) == dose
        and case.onset_hours[0] - NEAR_HOURS <= hour <= case.onset_hours[1] + NEAR_HOURS
    }
    return next((answer for answer in ("yes", "possible") if answer in found), "no")


@dataclass(slots=True)
class _Counts:
    """What the looks of one setting have said so far."""

    by_rule: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    any_rule: int = 0

    def add(self, study: PlantedStudy, found: Look) -> None:
        """Count one look."""
        crossed = [rule.id for rule in found.rules if rule.verdict == "crossed"]
        self.by_rule.update({rule.id: 0 for rule in found.rules})
        self.by_rule.update(crossed)
        self.any_rule += bool(crossed)
        self.verdicts[found.verdict] += 1
        self.seen.update(how_seen(case, found) for case in study.truth["planted"])

    def shares(self, planting: Planting, trials: int) -> InCharts:
        """Return the counts as shares with their limits."""
        planted, yes = self.seen.total(), self.seen["yes"]
        return InCharts(
            planting=planting,
            cases_planted=planted,
            by_rule={name: estimate(count, trials) for name, count in self.by_rule.items()},
            any_rule=estimate(self.any_rule, trials),
            watch=estimate(self.verdicts["watch"], trials),
            yes=estimate(yes, planted) if planted else None,
            yes_or_possible=estimate(yes + self.seen["possible"], planted) if planted else None,
        )
