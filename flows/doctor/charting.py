"""Whether the protocol's hours fit the charting that its feeds show, component by component."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from checks.cases.administrations import open_doses
from checks.cases.charting import Charting, charting
from checks.knowledge import Deliveries
from checks.protocol import StudyProtocol
from checks.tables import DeliveredTable
from checks.validation import validate_feeds
from flows.doctor.finding import Finding, ok, warning
from flows.pages.sentences import charting_texts

REMEDY = "Have it charted more often, or give fresh_hours in the case definition."


Delivered = Mapping[str, Sequence[DeliveredTable]]
"""By domain, what was read of it."""


def examine_charting(protocol: StudyProtocol, read: Delivered, now: datetime) -> Iterator[Finding]:
    """Yield how the tests of each component are charted; a warning where none observes half of the risk windows."""
    study = protocol.study.id
    for said, suffices in charting_texts(_charting(protocol, read, now)):
        yield ok(study, "charting", said) if suffices else warning(study, "charting", said, REMEDY)


def _charting(protocol: StudyProtocol, read: Delivered, now: datetime) -> tuple[Charting, ...]:
    needed = {"DM", "EX", *(domain for domain, _ in protocol.case_definition.tests)}
    delivered = {domain.lower(): read[domain] for domain in needed & set(read)}
    validation = validate_feeds(Deliveries(delivered, protocol).known_at(now).feeds, protocol, now)
    doses = open_doses(validation.administrations, protocol).main
    return charting(validation.measurements, validation.subjects, doses, protocol, now)
