"""The declared background per dose window and per subject."""

from collections.abc import Mapping

from checks.protocol.model import StudyProtocol
from checks.rules.evidence import AssumedRate
from checks.rules.plan import per_subject, per_window


def assumed_rates(protocol: StudyProtocol) -> Mapping[str, AssumedRate]:
    """Return the protocol's background by unit, as declared and, over its planned doses, per the other unit."""
    declared, doses = protocol.background, protocol.treatment.planned_doses
    if declared is None:
        return {}
    assumed: dict[str, AssumedRate] = {declared.unit: AssumedRate(declared.rate, declared.range)}
    if doses is not None:
        unit, convert = ("subject", per_subject) if declared.unit == "window" else ("window", per_window)
        spread = declared.range and (convert(declared.range[0], doses), convert(declared.range[1], doses))
        assumed[unit] = AssumedRate(convert(declared.rate, doses), spread)
    return assumed
