"""What a timing rule does over one length of surveillance, without harm and at stated relative incidences.

Assumptions where it is exact: all planned hours are observed, so that the ratio of control to risk time is the
planned one; events are independent; the fewest subjects that a rule asks for are not counted.
"""

from collections.abc import Sequence

from checks.rules.designs import Surveillance
from checks.rules.methods.method import TRUTHS
from checks.statistics.timing.sequential import BinomialBoundary, SequentialCharacteristics, risk_chance


def exact_surveillance(boundary: BinomialBoundary) -> Surveillance:
    """Return what a boundary in events in risk hours does up to its last look: exactly, by the recursion."""
    return surveillance(
        boundary.looks[-1],
        boundary.looks,
        boundary.events,
        [boundary.characteristics(value) for value in TRUTHS],
        [risk_chance(boundary.ratio, value) for value in TRUTHS],
        boundary.crossing_probabilities().tolist(),
    )


def surveillance(
    length: float,
    looks: Sequence[float],
    events: tuple[int | None, ...] | None,
    behaves: Sequence[SequentialCharacteristics],
    in_risk: Sequence[float],
    by_look: Sequence[float],
    errors: Sequence[float] | None = None,
) -> Surveillance:
    """Return what a rule does over a length of surveillance.

    Parameters
    ----------
    length, looks, events
        Its boundary, and how far it goes.
    behaves, in_risk, errors
        At each of ``TRUTHS``: how it behaves, the share of events that are in risk hours, and the Monte Carlo
        standard error of its power where that is simulated.
    by_look
        The probability that it first crosses at each look, without harm.
    """
    lengths = [one.expected_length for one in behaves]
    seen = [one * share for one, share in zip(lengths, in_risk, strict=True)]  # Wald's identity
    return Surveillance(
        length=float(length),
        looks=tuple(float(look) for look in looks),
        events=events,
        size=behaves[0].power,
        size_error=None if errors is None else errors[0],
        power=tuple(one.power for one in behaves[1:]),
        power_error=None if errors is None else tuple(errors[1:]),
        expected_length=tuple(lengths[1:]),
        expected_in_risk=tuple(seen[1:]),
        without_harm=(lengths[0], seen[0]),
        size_by_look=tuple(by_look),
    )
