"""Words of people in commands that name a ledger and no study: they may tell no arm of the studies that it is of."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from checks.errors import ProtocolError
from checks.protocol import StudyProtocol, load_protocol
from checks.protocol.untelling import require_untelling
from flows.ledger.database import folder_of
from flows.settings import Settings, protocol_path


def require_untelling_of(
    studies: Iterable[str], said: Mapping[str, str], settings: Settings, named: Path | None = None
) -> None:
    """Refuse what a person says, by option, if it names an arm of one of the studies.

    A protocol that is not ``named`` is looked for in this folder, beside the ledger, and by its id below the folder
    that POSTDOSE_STUDIES names. Where there is none that is said, and the words are taken as they are: an alert must
    be taken all the same.

    Raises
    ------
    UsageError
        When it names an arm or a treatment; the text is not repeated.
    """
    for study in studies:
        protocol = next((one for one in _protocols(study, settings, named) if one.study.id == study), None)
        if protocol is None:
            print(
                f"postdose: found no protocol of study {study} in this folder, beside the ledger or below "
                f"POSTDOSE_STUDIES: {' and '.join(said)} may name an arm, which nobody looked for",
                file=sys.stderr,
            )
            continue
        for option, text in said.items():
            require_untelling(option, text, protocol)


def _protocols(study: str, settings: Settings, named: Path | None) -> Iterator[StudyProtocol]:
    beside = folder_of(settings.state_url) or Path()
    usual = (protocol_path(study, os.environ), Path("protocol.yaml"), beside / "protocol.yaml")
    for path in usual if named is None else (named,):
        if path.is_file():
            try:
                yield load_protocol(path)
            except ProtocolError:  # of another study, perhaps; commands on it say what is wrong
                continue
