"""What those who are blinded read of people's words and of feeds: it may name no arm and no treatment."""

from collections.abc import Iterable, Iterator
from typing import Final

from checks.errors import UsageError
from checks.protocol.model import StudyProtocol
from checks.quoting import Quotes
from checks.telltales import names_one, names_role
from checks.terms import folded


def names_arm(text: str, protocol: StudyProtocol) -> bool:
    """Whether a text names an arm or a treatment of the study, however it is written, or an arm by its role."""
    return names_role(text) or names_one(text, _arms(protocol), innocent=_called(protocol))


def quotes_of(protocol: StudyProtocol, subjects: Iterable[str], *, terms: Iterable[str] = ()) -> Quotes:
    """Return what may be quoted of a study's feeds: ``subjects`` are those that DM has, ``terms`` further words."""
    return Quotes.of(
        (protocol.study.id, *protocol.sites, *subjects),
        study=_called(protocol),
        terms=terms,
        codes=_codes(protocol),
        arms=_arms(protocol),
    )


def _codes(protocol: StudyProtocol) -> Iterator[str]:
    """Yield the codes of tests that a protocol names."""
    feed = protocol.feeds.by_domain().get("VS")
    yield from () if feed is None or feed.test_codes is None else feed.test_codes.means
    yield from (code for _, code in protocol.case_definition.tests)
    yield from (code for rule in protocol.rules for code in rule.lab_tests)


def _arms(protocol: StudyProtocol) -> tuple[str, ...]:
    return (*protocol.treatment.names, *protocol.treatment.active_arms)


def _called(protocol: StudyProtocol) -> tuple[str, ...]:
    """Return what the study is called: its id can be said whatever it is, its title unless it is a name alone."""
    title = protocol.study.title
    named = title is not None and folded(title) in map(folded, _arms(protocol))
    return (protocol.study.id,) if title is None or named else (protocol.study.id, title)


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
