"""Whether the protocol's hours fit the charting that its feeds show, component by component."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

from checks.cases.administrations import open_doses
from checks.cases.charting import Charting, charting
from checks.knowledge import Deliveries
from checks.protocol import StudyProtocol
from checks.validation import validate_feeds
from flows.doctor.finding import Finding, ok, warning
from flows.feeds import Inbox
from flows.pages.kit.words import spoken
from flows.pages.sentences import charting_text

REMEDY = "Have it charted more often, or give fresh_hours in the case definition."


def examine_charting(inbox: Inbox, now: datetime) -> Iterator[Finding]:
    """Yield how the tests of each component are charted; a warning where none observes half of the risk windows."""
    protocol = inbox.protocol
    for component, rows in groupby(_charting(inbox, now), key=lambda one: one.component):
        by_test = [list(some) for _, some in groupby(rows, key=lambda one: one.test)]
        said = f"{spoken(component)}: {'; '.join(map(charting_text, by_test))}"
        windows = max(everywhere.windows for everywhere, *_ in by_test)
        if windows and all(2 * everywhere.observed < windows for everywhere, *_ in by_test):
            yield warning(protocol.study.id, "charting", said, REMEDY)
        else:
            yield ok(protocol.study.id, "charting", said)


def _charting(inbox: Inbox, now: datetime) -> tuple[Charting, ...]:
    protocol: StudyProtocol = inbox.protocol
    needed = {"DM", "EX", *(domain for domain, _ in protocol.case_definition.tests)}
    declared = needed & set(protocol.feeds.by_domain())
    delivered = {domain.lower(): inbox.read(domain, by=now) for domain in declared}
    validation = validate_feeds(Deliveries(delivered, protocol).known_at(now).feeds, protocol, now)
    doses = open_doses(validation.administrations, protocol).main
    return charting(validation.measurements, validation.subjects, doses, protocol, now)
