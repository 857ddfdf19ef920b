"""Whether the protocol's hours fit the charting that its feeds show, component by component."""

from collections.abc import Iterator
from datetime import datetime

from checks.cases.administrations import open_doses
from checks.cases.charting import Charting, charting
from checks.knowledge import Deliveries
from checks.protocol import StudyProtocol
from checks.validation import validate_feeds
from flows.doctor.finding import Finding, ok, warning
from flows.feeds import Inbox
from flows.pages.sentences import charting_texts

REMEDY = "Have it charted more often, or give fresh_hours in the case definition."


def examine_charting(inbox: Inbox, now: datetime) -> Iterator[Finding]:
    """Yield how the tests of each component are charted; a warning where none observes half of the risk windows."""
    study = inbox.protocol.study.id
    for said, suffices in charting_texts(_charting(inbox, now)):
        yield ok(study, "charting", said) if suffices else warning(study, "charting", said, REMEDY)


def _charting(inbox: Inbox, now: datetime) -> tuple[Charting, ...]:
    protocol: StudyProtocol = inbox.protocol
    needed = {"DM", "EX", *(domain for domain, _ in protocol.case_definition.tests)}
    declared = needed & set(protocol.feeds.by_domain())
    delivered = {domain.lower(): inbox.read(domain, by=now) for domain in declared}
    validation = validate_feeds(Deliveries(delivered, protocol).known_at(now).feeds, protocol, now)
    doses = open_doses(validation.administrations, protocol).main
    return charting(validation.measurements, validation.subjects, doses, protocol, now)
