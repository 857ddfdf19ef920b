"""How the golden tests make a look: the one place that calls the product."""

from datetime import datetime
from pathlib import Path

from checks.blinding import blind_deliveries
from checks.knowledge import Deliveries
from checks.protocol import load_protocol
from flows.feeds import open_inbox
from flows.looks.replay.looks import Looker
from flows.report import build_document
from flows.report.files import write_files


def make_look(protocol_file: Path, data_cutoff: datetime, out: Path) -> None:
    """Write look.json, without what the ledger adds, and the listings of one look."""
    protocol = load_protocol(protocol_file)
    inbox = open_inbox(protocol, {}, None)
    arrived = {
        domain.lower(): blind_deliveries(domain, inbox.read(domain, by=data_cutoff), protocol.treatment.names)
        for domain in protocol.feeds.by_domain()
    }
    knowledge = Deliveries(arrived, protocol).known_at(data_cutoff)
    look = Looker(protocol).look(knowledge, data_cutoff)
    write_files(look, build_document(look), out)
