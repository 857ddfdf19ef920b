"""A study's folder as the command looks at it: its files read, the look made, its page, tables and terminal kept.

Only what a look leaves outside the folder is not made: no record in the ledger, no message.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from checks.errors import ProtocolError
from checks.looks import look
from checks.protocol import load_protocol
from flows.feeds import open_inbox
from flows.looks.files import write_files
from flows.pages.report.page import render_report
from flows.pages.terminal import text_summary

REFUSED: Final = "refused"
"""The verdict on a study protocol that cannot be read as a study: the command exits 2."""

TABLES: Final = ("cases.csv", "doses.csv", "quarantine.csv", "look.json", "validation.json")


@dataclass(frozen=True, slots=True)
class LookOfFolder:
    """What is left of a look: its verdict, its document, and what a reader sees of it."""

    verdict: str
    document: Mapping[str, Any]
    terminal: str
    page: str
    tables: Mapping[str, str]

    def text(self) -> str:
        """Return all that can be read of the look."""
        return "\n".join((self.terminal, self.page, *self.tables.values()))

    def seen(self) -> str:
        """Return what a person sees at once: the terminal, the page without its styles, what is in quarantine."""
        page = re.sub(r"<(style|script|svg)\b.*?</\1>", " ", self.page, flags=re.DOTALL)
        return "\n".join(
            (self.terminal, re.sub(r"<[^>]+>", " ", page), self.tables.get("quarantine.csv", ""))
        )


def look_at_folder(folder: Path, data_cutoff: datetime, out: Path) -> LookOfFolder:
    """Look at the study of a folder, and write what the look leaves into another."""
    try:
        protocol = load_protocol(folder / "protocol.yaml")
    except ProtocolError as error:
        return LookOfFolder(REFUSED, {}, f"{error}\n{error.remedy}", "", {})
    inbox = open_inbox(protocol, {}, None)
    feeds = {domain.lower(): inbox.read(domain, data_cutoff) for domain in protocol.feeds.by_domain()}
    found = look(feeds, protocol, data_cutoff=data_cutoff)
    document = found.document()
    write_files(found, document, out)
    page = render_report(document, doses=found.doses, protocol=protocol, out=out)
    tables = {name: (out / name).read_text() for name in TABLES}
    terminal = text_summary(document, protocol, report=None)
    return LookOfFolder(str(found.verdict), document, terminal, page.read_text(), tables)
