"""Say what would stop a look tonight, or keep its alerts from leaving, before it does.

Nothing lasting is written and no message is sent: what a look writes is rehearsed and undone.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from checks.errors import ProtocolError
from checks.protocol import StudyProtocol, load_protocol
from checks.stamps import stamp
from flows.doctor.finding import Finding, Status, stops
from flows.doctor.machine import examine_machine
from flows.doctor.study import examine_study
from flows.inert import inert_line
from flows.pages.kit.lines import wrapped


def run_doctor(paths: Sequence[Path], environ: Mapping[str, str], now: datetime, *, as_json: bool) -> int:
    """Print what would stop a look at these studies, one line a check, and return the exit code.

    0 when nothing would; else that of the first finding which would: 2 for what the environment or the protocol
    gets wrong, 41 for a ledger that cannot be written, 4 for one that does not verify, 40 for a role that no alert
    would reach, 3 for a feed that cannot be read.
    """
    findings = tuple(examine(paths, environ, now))
    stopping = [one for one in findings if one.status is Status.STOPS]
    code = stopping[0].exit_code if stopping else 0
    checks = [{**asdict(one), "status": str(one.status)} for one in findings]
    told = {"schema": "postdose/doctor/1", "checked_at": stamp(now), "exit_code": code, "checks": checks}
    document = inert_line(json.dumps(told, indent=1, ensure_ascii=False))
    sys.stdout.write((document if as_json else "\n".join(_lines(findings))) + "\n")
    return code


def examine(paths: Sequence[Path], environ: Mapping[str, str], now: datetime) -> Iterator[Finding]:
    """Yield what every check finds: of the machine first, then of each study."""
    protocols, unusable = _protocols(paths)
    yield from examine_machine(environ, protocols)
    yield from unusable
    for protocol in protocols:
        yield from examine_study(protocol, environ, now)


def _protocols(paths: Sequence[Path]) -> tuple[list[StudyProtocol], list[Finding]]:
    read, problems = [], []
    for path in paths:
        try:
            read.append(load_protocol(path))
        except ProtocolError as error:
            found = f"{len(error.problems)} to correct, the first: {error.problems[0]}"
            problems.append(stops(str(path), "protocol", found, error))
    return read, problems


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield the findings of the machine and of each study below its name, each line 80 columns at most."""
    where = None
    for one in findings:
        if one.where != where:
            where = one.where
            yield where
        yield from _wrapped(one)
    stopping, warnings = (
        sum(one.status is status for one in findings) for status in (Status.STOPS, Status.WARNING)
    )
    if stopping or warnings:
        yield f"{stopping or 'Nothing'} would stop a look; {warnings} to look after."
    else:
        yield "Nothing would stop a look."


def _wrapped(one: Finding) -> Iterator[str]:
    head = f"  {one.status:<18}{one.check:<11}"
    said = one.said if not one.remedy else f"{one.said.rstrip('.')}. {one.remedy}"
    return iter(wrapped(head + said, rest=" " * len(head)))
