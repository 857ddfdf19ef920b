"""What a timing rule with a boundary in counts does under stated relative incidences: exactly, by the recursion.

Assumptions: all planned hours are observed, so that the ratio of control to risk time is the planned one; events
are independent; the fewest subjects that a rule asks for are not counted.
"""

from checks.rules.designs import Surveillance
from checks.rules.methods.method import RELATIVE_INCIDENCES
from checks.statistics.timing import BinomialBoundary
from checks.statistics.timing.binomial_boundary import risk_chance


def exact_surveillance(boundary: BinomialBoundary) -> Surveillance:
    """Return what a boundary in events in risk hours does up to its last look."""
    behaves = [boundary.characteristics(value) for value in (1.0, *RELATIVE_INCIDENCES)]
    lengths = [one.expected_length for one in behaves]
    in_risk = [
        one.expected_length * risk_chance(boundary.ratio, one.relative_risk) for one in behaves
    ]  # Wald's identity
    return Surveillance(
        length=float(boundary.looks[-1]),
        looks=tuple(float(look) for look in boundary.looks),
        events=boundary.events,
        size=behaves[0].power,
        size_error=None,
        power=tuple(one.power for one in behaves[1:]),
        power_error=None,
        expected_length=tuple(lengths[1:]),
        expected_in_risk=tuple(in_risk[1:]),
        without_harm=(lengths[0], in_risk[0]),
        size_by_look=tuple(boundary.crossing_probabilities().tolist()),
    )
