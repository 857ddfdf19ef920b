"""The study that a path or an id means: its protocol, and what the environment says of it."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import environ

from prefect.runtime import flow_run

from checks.protocol import StudyProtocol, load_protocol
from flows.feeds import Inbox, open_inbox
from flows.ledger import Ledger
from flows.settings import Settings, protocol_path, read_settings

logging.getLogger("postdose").setLevel(logging.INFO)  # the page of each run shows how far it is


@dataclass(frozen=True, slots=True)
class Study:
    """A study's protocol, and the settings of this process for it."""

    protocol: StudyProtocol
    settings: Settings

    @property
    def id(self) -> str:
        """Its id."""
        return self.protocol.study.id

    def inbox(self) -> Inbox:
        """Return where its feeds arrive."""
        return open_inbox(self.protocol, self.settings.addresses, None)

    def ledger(self) -> Ledger:
        """Return its record.

        Raises
        ------
        LedgerWriteError
            When the ledger cannot be reached.
        """
        return Ledger.of(self.settings)

    def ledger_that_is(self) -> Ledger:
        """Return its record, which is not made where there is none.

        Raises
        ------
        LedgerWriteError
            When the ledger cannot be reached.
        UsageError
            When there is none.
        """
        return Ledger.of(self.settings, must_exist=True)


def open_study(study: str, environ: Mapping[str, str]) -> Study:
    """Return the study that a path or an id means, with the settings of an environment.

    Raises
    ------
    ProtocolError
        When the protocol cannot be read, or has problems.
    UsageError
        When a setting cannot be used.
    """
    protocol = load_protocol(protocol_path(study, environ))
    return Study(protocol, read_settings(environ, state=None, folder=protocol.folder))


def run_named(what: str) -> Callable[[], str]:
    """Return what names a run of Prefect for its study, and for what is done there."""

    def name() -> str:
        study: str = flow_run.parameters["study"]
        return f"{load_protocol(protocol_path(study, environ)).study.id} {what}"

    return name
