"""Whether subjects on the active arms had cases more often than those on the control arms.

Estimator: the share of subjects with a case, with exact limits of a binomial share (Clopper CJ, Pearson ES.
Biometrika 1934;26:404-413), and Fisher's exact test, one-sided for more cases on the active arms (Fisher RA.
Statistical Methods for Research Workers, 5th ed., 1934, section 21.02). Assumes independent subjects and an
allocation that did not depend on the risk. With few control subjects it can hardly ever be small: read it beside
the self-controlled comparison, not in its place.
"""

from dataclasses import dataclass

from scipy.stats import binomtest, fisher_exact

from checks.rules.evidence import Estimate
from checks.scenario import ByScenario

LEVEL = 0.95
"""Coverage of the limits, as everywhere else in a look."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Subjects with a case among those who could be judged."""

    events: int
    n: int

    def __add__(self, other: "Counted") -> "Counted":
        return Counted(self.events + other.events, self.n + other.n)


def exact_share(counted: Counted) -> Estimate | None:
    """Return the share with its exact limits; None where nobody could be judged."""
    if not counted.n:
        return None
    limits = binomtest(counted.events, counted.n).proportion_ci(LEVEL, method="exact")
    return Estimate(counted.events / counted.n, (float(limits.low), float(limits.high)))


def compare_counts(active: Counted, control: Counted) -> float | None:
    """Return Fisher's one-sided p-value; None where one side has nobody who could be judged."""
    if not active.n or not control.n:
        return None
    table = [[active.events, active.n - active.events], [control.events, control.n - control.events]]
    return float(fisher_exact(table, alternative="greater").pvalue)


def sides_by_scenario(
    active: ByScenario[Counted], control: ByScenario[Counted], unknown: ByScenario[Counted]
) -> ByScenario[tuple[Counted, Counted]]:
    """Return the active and the control side in each scenario.

    The best case for the drug has its own fewest cases against the control's most, and the worst the reverse. A
    subject of unknown arm has a part in these two alone: the best case counts the cases as control and the others
    as active, the worst case the reverse.
    """
    cases, others = _parted(unknown.worst)
    return ByScenario(
        best=(active.best + others, control.worst + cases),
        main=(active.main, control.main),
        worst=(active.worst + cases, control.best + others),
    )


def _parted(counted: Counted) -> tuple[Counted, Counted]:
    return Counted(counted.events, counted.events), Counted(0, counted.n - counted.events)
