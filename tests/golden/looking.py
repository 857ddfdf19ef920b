"""How the golden tests make a look: the one place that calls the product."""

from datetime import datetime
from pathlib import Path

from checks import load_protocol, look
from flows.feeds import open_inbox
from flows.looks.files import write_files


def make_look(protocol_file: Path, data_cutoff: datetime, out: Path) -> None:
    """Write look.json, without what the ledger adds, and the listings of one look."""
    protocol = load_protocol(protocol_file)
    inbox = open_inbox(protocol, {}, None)
    with inbox.admission.reading():
        feeds = {one.lower(): inbox.read(one, by=data_cutoff) for one in protocol.feeds.by_domain()}
    found = look(feeds, protocol, data_cutoff=data_cutoff)
    write_files(found, found.document(), out)
