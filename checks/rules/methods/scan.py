"""The scan over all windows since dose, at planned looks: by permutation over the opportunity of each dose."""

import numpy as np

from checks.rules.designs import Surveillance
from checks.rules.evidence import Evidence
from checks.rules.methods.method import DESCRIPTIVE, TimingMethod, TimingSection, next_look, ordered
from checks.rules.plan import Plan
from checks.rules.rule import BoundaryIs, Json, RuleResult, verdicts
from checks.rules.scan_looks import Cluster, PlannedScans, clocks_of, planned_scans, scan_clocks
from checks.rules.scan_trials import ScanWalk, scan_surveillance
from checks.rules.trials import NEVER, IntArray, Trials, Walk
from checks.scenario import ByScenario, Scenario


class ScanMethod(TimingMethod):
    """Crossed where the most clustered window at a planned look is within that look's equal share of alpha."""

    needs = ("looks",)
    scans_hours = True
    looks_called_by = "events of doses whose hours have ended"
    question = "Do onsets cluster in any window after dosing, wherever it lies?"

    def evaluate(self, rule: TimingSection, evidence: Evidence) -> RuleResult:
        """Return whether events clustered at some hour since dose at one of the planned looks taken so far.

        The scenarios differ in their events, and the scan may find another window in each. The best case is the
        less striking of the best and the main scenario, the worst case the more striking of the worst and the
        main.
        """
        clocks, seed = clocks_of(evidence), evidence.seed
        if not any(clock.spans for clock in clocks):
            return rule.not_evaluable("no hours since a dose in which an event could have been seen")
        now = ByScenario.of(lambda scenario: scan_clocks(rule, clocks, scenario, seed))
        looks, worst = (
            planned_scans(rule, clocks, scenario, seed) for scenario in (Scenario.MAIN, Scenario.WORST)
        )
        main = now.main.scan
        crossed: ByScenario[bool | None] = ByScenario(
            best=any(look.crossed and look.crossed_in_best for look in looks.taken),
            main=any(look.crossed for look in looks.taken),
            worst=any(look.crossed for look in worst.taken),
        )
        return rule.answer(
            verdicts(crossed),
            events=main.events_in_window,
            n_evaluable=now.main.events,
            boundary=rule.share,
            statistic=main.statistic,
            p_value=main.p_value,
            detail=_found(rule, now.main) | _taken(looks) | ordered(now.map(lambda one: one.scan.p_value)),
        )

    def surveillance(self, rule: TimingSection, plan: Plan) -> tuple[Surveillance, ...]:
        """Return what it does at the planned looks that so many events call, by simulation."""
        return scan_surveillance(rule, plan)

    def spends(self, rule: TimingSection, plan: Plan) -> float:
        """Return its alpha: the permutation p-values of its planned looks are exact, each held against its share."""
        return rule.alpha

    def simulate(self, rule: TimingSection, plan: Plan) -> Walk:
        """Scan the dose clock of each trial at the planned looks."""
        scanning = ScanWalk(rule, plan.observed_hours[1], plan.seed)

        def through(trials: Trials) -> IntArray:
            if trials.clock is None:
                return np.full(len(trials.control), NEVER)
            return scanning.first(trials.clock(), len(trials.control))

        return through

    def notes(self, rule: TimingSection, plan: Plan) -> tuple[str, ...]:
        """Say what is simulated."""
        return (
            "Simulated: one event a subject, observed from the dose to the last hour that a window names. A look is "
            "taken whenever as many more events are seen as could cross at all, as many looks as are planned.",
        )


def _taken(looks: PlannedScans) -> dict[str, Json]:
    return {
        "p_value_is": DESCRIPTIVE,
        "looks_taken": looks.number,
        "p_at_looks": [look.p_value for look in looks.taken],
        "next_look": next_look(looks.next_look, "events in doses whose hours have ended"),
    }


def _found(rule: TimingSection, found: Cluster) -> dict[str, Json]:
    detail: dict[str, Json] = {
        "boundary_is": BoundaryIs.P_VALUE,
        "statistic_is": "log_likelihood_ratio",
        "window_hours": found.scan.window_hours and list(found.scan.window_hours),
        "expected_in_window": found.scan.expected_in_window,
        "subjects_in_window": found.subjects_in_window,
        "events_outside_opportunity": found.outside_opportunity,
        "permutations": found.scan.permutations,
        "planned_looks": rule.looks,
    }
    if found.outside_opportunity:
        detail["left_out"] = (
            f"{found.outside_opportunity} of {found.events + found.outside_opportunity} events with a known hour lie "
            "outside the hours of their dose in which one could have been seen, and take no part in the scan"
        )
    return detail
