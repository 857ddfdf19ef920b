"""The declared background per dose window and per subject."""

from checks.protocol.model import Background, StudyProtocol
from checks.rules.plan import per_subject, per_window


def background_per(unit: str, protocol: StudyProtocol) -> Background | None:
    """Return the protocol's background per ``unit``; None without one, or when it cannot be converted."""
    declared, doses = protocol.background, protocol.treatment.planned_doses
    if declared is None or declared.unit == unit:
        return declared
    if doses is None:
        return None
    convert = per_subject if unit == "subject" else per_window
    spread = declared.range and (convert(declared.range[0], doses), convert(declared.range[1], doses))
    return declared.model_copy(update={"unit": unit, "rate": convert(declared.rate, doses), "range": spread})
