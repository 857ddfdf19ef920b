"""Words of people that are kept where those who are blinded read them: they may name no arm and no treatment."""

from typing import Final

from checks.errors import UsageError
from checks.protocol.model import StudyProtocol
from checks.telltales import telltales_in


def names_arm(text: str, protocol: StudyProtocol) -> bool:
    """Whether a text names an arm or a treatment of the study, however it is written."""
    treatment, study = protocol.treatment, protocol.study
    names = (*treatment.names, *treatment.active_arms)
    return bool(telltales_in(text.encode(errors="replace"), names, innocent=(study.id, study.title or "")))


WITHHELD: Final = "(withheld: it names an arm or a treatment)"


def untelling(text: str, protocol: StudyProtocol) -> str:
    """Return a text that can only be kept, not refused, without what names an arm."""
    return WITHHELD if names_arm(text, protocol) else text


def require_untelling(option: str, text: str, protocol: StudyProtocol) -> None:
    """Refuse what a person says if it tells an arm.

    Raises
    ------
    UsageError
        When it names an arm or a treatment; the text is not repeated.
    """
    if names_arm(text, protocol):
        raise UsageError(
            f"{option}: found the name of an arm or a treatment; allowed: a text without one, since it is kept "
            "in the ledger, where those who are blinded read it"
        )
