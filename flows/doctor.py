"""Decide what would stop a look tonight, or keep its alerts from leaving, before it does.

Nothing lasting is written and no message is sent: what a look writes is rehearsed and undone.
"""

import base64
import difflib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import sys
import tempfile
import textwrap
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from packaging.requirements import Requirement

from checks.errors import DeliveryError, FeedError, LedgerBrokenError, LedgerWriteError, UsageError
from checks.errors import PostdoseError, ProtocolError
from checks.protocol import StudyProtocol, load_protocol
from checks.protocol.model import FeedSource
from flows.alerts.channels import unresolved
from flows.closed.folder import FOLDER_MODE
from flows.feeds import DeliveryStore, Inbox, open_inbox
from flows.ledger.examining import Examination, examine_ledger
from flows.settings import IN_A_FILE, OURS, VARIABLES, Settings, prefect_settings, read_settings

MACHINE: Final = "this machine"
WIDTH: Final = 80

LOW_DISK: Final = 1 << 30
FULL_DISK: Final = 100 << 20
"""Bytes. A look writes a few MB and keeps each delivery, some tens of MB in a large study: 100 MB is one more night."""

API_SECONDS: Final = 5.0
"""How long a server on the same machine or network may take to say that it is there."""

AHEAD: Final = timedelta(minutes=5)
"""How far the newest record may lie ahead: machines that share a ledger have clocks of their own."""


class Status(StrEnum):
    """What a check found, in the words that are printed."""

    OK = "ok"
    WARNING = "warning"
    STOPS = "would stop a look"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found of the machine or of a study, what to do about it, and the exit code if a look stops."""

    where: str
    check: str
    status: Status
    said: str
    remedy: str = ""
    exit_code: int = 0


def run_doctor(paths: Sequence[Path], environ: Mapping[str, str], now: datetime, *, as_json: bool) -> int:
    """Print what would stop a look at these studies, one line a check, and return the exit code.

    0 when nothing would; else that of the first finding which would: 2 for what the environment or the protocol
    gets wrong, 41 for a ledger that cannot be written, 4 for one that does not verify, 40 for a role that no alert
    would reach, 3 for a feed that cannot be read.
    """
    findings = tuple(examine(paths, environ, now))
    stopping = [one for one in findings if one.status is Status.STOPS]
    code = stopping[0].exit_code if stopping else 0
    if as_json:
        checks = [{**asdict(one), "status": str(one.status)} for one in findings]
        told = {"schema": "postdose/doctor/1", "checked_at": f"{now:%Y-%m-%dT%H:%M:%SZ}", "exit_code": code}
        sys.stdout.write(json.dumps({**told, "checks": checks}, indent=1, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("\n".join(_lines(findings)) + "\n")
    return code


def examine(paths: Sequence[Path], environ: Mapping[str, str], now: datetime) -> Iterator[Finding]:
    """Yield what every check finds: of the machine first, then of each study."""
    protocols, unusable = _protocols(paths)
    yield from _versions()
    yield _variables(environ, protocols)
    yield from _settings(environ)
    yield _time_zones()
    yield from _prefect(environ)
    yield from unusable
    for protocol in protocols:
        yield from _study(protocol, environ, now)


def _protocols(paths: Sequence[Path]) -> tuple[list[StudyProtocol], list[Finding]]:
    read, problems = [], []
    for path in paths:
        try:
            read.append(load_protocol(path))
        except ProtocolError as error:
            found = f"{len(error.problems)} to correct, the first: {error.problems[0]}"
            problems.append(_stops(str(path), "protocol", found, error, error.remedy))
    return read, problems


def _stops(
    where: str, check: str, said: str, error: type[PostdoseError] | PostdoseError, remedy: str
) -> Finding:
    return Finding(where, check, Status.STOPS, said, remedy, error.exit_code)


def _versions() -> Iterator[Finding]:
    yield Finding(
        MACHINE, "python", Status.OK, f"Python {platform.python_version()}, postdose {_version('postdose')}"
    )
    wrong = [
        found
        for text in importlib.metadata.requires("postdose") or ()
        if (found := _unmet(Requirement(text)))
    ]
    pinned = _constraints()
    other = [
        f"{name} {found}, not {wanted}"
        for name, wanted in pinned.items()
        if (found := _version(name)) not in (None, wanted)
    ]
    remedy = "Install with `pip install -c deployments/constraints.txt`."
    if wrong:
        yield _stops(MACHINE, "packages", "; ".join(wrong), UsageError, remedy)
    elif other:
        yield Finding(MACHINE, "packages", Status.WARNING, f"not as tested together: {_few(other)}", remedy)
    else:
        compared = (
            f"{len(pinned)} exact versions" if pinned else "requirements (no constraints.txt is at hand)"
        )
        yield Finding(MACHINE, "packages", Status.OK, f"as the {compared} say")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _unmet(requirement: Requirement) -> str | None:
    """Return what is wrong with a package that postdose needs; the extras need not be there."""
    found = _version(requirement.name)
    needed = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    if found is None:
        return f"{requirement.name} is missing" if needed else None
    return (
        None
        if requirement.specifier.contains(found, prereleases=True)
        else f"{requirement.name} {found}, not {requirement.specifier}"
    )


def _constraints() -> dict[str, str]:
    """Return the exact versions of deployments/constraints.txt, here or in the checkout this code is run from."""
    relative = Path("deployments") / "constraints.txt"
    places = (relative, Path(__file__).parents[1] / relative)
    file = next((one for one in places if one.is_file()), None)
    lines = [] if file is None else file.read_text(encoding="utf-8").splitlines()
    pins = (line.partition("#")[0].strip().partition("==") for line in lines)
    return {name: version for name, sign, version in pins if sign}


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _variables(environ: Mapping[str, str], protocols: Iterable[StudyProtocol]) -> Finding:
    """Name each POSTDOSE_ variable that nothing would read, with the one it may have been meant for."""
    known = {variable.name for variable in VARIABLES} | {name for one in protocols for name in _named(one)}
    known |= {name + IN_A_FILE for name in known}
    ours = sorted(name for name in environ if name.startswith(OURS))
    unknown = [name for name in ours if name not in known]
    if not unknown:
        return Finding(
            MACHINE, "variables", Status.OK, f"{len(ours)} set whose names begin with {OURS}, each known"
        )
    said = "; ".join(f"{name} is read by nothing{_meant(name, known)}" for name in unknown)
    remedy = "Correct the name, or name the study protocol that uses it."
    return Finding(MACHINE, "variables", Status.WARNING, said, remedy)


def _named(protocol: StudyProtocol) -> Iterator[str]:
    """Yield the variables that a study protocol names."""
    for route in protocol.alerts.routes:
        for channel in route.channels:
            if channel.startswith("env:"):
                yield channel.removeprefix("env:")
                yield channel.removeprefix("env:") + "_SECRET"
    yield from (source.variable for source in protocol.feeds.by_domain().values() if source.variable)


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.8)
    return f" (meant: {close[0]}?)" if close else ""


def _settings(environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        read_settings(environ, state=None, folder=Path())
        prefect_settings(environ)
    except UsageError as error:
        yield _stops(MACHINE, "settings", str(error), error, "Correct the variable that is named.")


def _time_zones() -> Finding:
    try:
        ZoneInfo("Europe/Paris")
    except ZoneInfoNotFoundError:
        return _stops(
            MACHINE, "time zones", "no time zone database", UsageError, "Install the package tzdata."
        )
    return Finding(
        MACHINE, "time zones", Status.OK, f"there; package tzdata {_version('tzdata') or 'not installed'}"
    )


def _prefect(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Ask the server that runs are reported to whether it is there, lets us in, and is of our version."""
    url = environ.get("PREFECT_API_URL", "").strip()
    if not url:
        yield Finding(
            MACHINE, "prefect", Status.OK, "PREFECT_API_URL is not set: a look starts a server of its own"
        )
        return
    try:
        theirs, ours = _server_version(url, _authorization(environ)), _version("prefect")
    except (OSError, ValueError) as error:
        reason = f"status {error.code}" if isinstance(error, urllib.error.HTTPError) else type(error).__name__
        remedy = "Start the server, or correct PREFECT_API_URL and PREFECT_API_AUTH_STRING."
        yield _stops(
            MACHINE, "prefect", f"the server of PREFECT_API_URL did not answer ({reason})", UsageError, remedy
        )
        return
    if theirs == ours:
        yield Finding(MACHINE, "prefect", Status.OK, f"the server answers, version {theirs}")
    else:
        said = f"the server has version {theirs}, this machine {ours}"
        yield Finding(MACHINE, "prefect", Status.WARNING, said, "Install the same version for both.")


def _authorization(environ: Mapping[str, str]) -> dict[str, str]:
    told = {**environ, **prefect_settings(environ)}.get("PREFECT_API_AUTH_STRING", "")
    return {"Authorization": "Basic " + base64.b64encode(told.encode()).decode()} if told else {}


def _server_version(url: str, headers: Mapping[str, str]) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError(url)
    request = urllib.request.Request(f"{url.rstrip('/')}/admin/version", headers=dict(headers))  # noqa: S310 - looked at
    with urllib.request.urlopen(request, timeout=API_SECONDS) as answer:  # noqa: S310 - as above
        return str(json.load(answer))


def _study(protocol: StudyProtocol, environ: Mapping[str, str], now: datetime) -> Iterator[Finding]:
    study = protocol.study.id
    zones = {str(protocol.study.timezone), *map(str, protocol.sites.values())}
    yield Finding(study, "protocol", Status.OK, f"no problems; its {len(zones)} time zones load")
    try:
        settings = read_settings(environ, state=None, folder=protocol.folder)
    except UsageError:
        return  # said of the machine already
    yield from _ledger(study, settings, now)
    yield from _channels(protocol, settings)
    yield _folders(protocol, settings)
    yield from _closed_folders(protocol)
    yield _disk(protocol)
    for domain, source in protocol.feeds.by_domain().items():
        yield _feed(domain, source, open_inbox(protocol, settings.addresses, None), now)


def _ledger(study: str, settings: Settings, now: datetime) -> Iterator[Finding]:
    try:
        found = examine_ledger(settings.state_url, key=settings.ledger_key)
    except (LedgerWriteError, LedgerBrokenError) as error:
        yield _stops(study, "ledger", str(error), error, error.remedy)
        return
    yield Finding(study, "ledger", Status.OK, _ledger_said(found, sealed=settings.ledger_key is not None))
    if found.newest is not None and found.newest > now + AHEAD:
        said = f"{now:%Y-%m-%dT%H:%MZ}, but the newest record is of {found.newest:%Y-%m-%dT%H:%MZ}"
        remedy = "Set the clock, unless somebody looked at a data cut-off to come."
        yield Finding(study, "clock", Status.WARNING, said, remedy)
    else:
        yield Finding(study, "clock", Status.OK, f"{now:%Y-%m-%dT%H:%MZ}, no record is later")


def _ledger_said(found: Examination, *, sealed: bool) -> str:
    if found.current is None:
        return "none yet: the first look makes it"
    if not found.current:
        return "of an older version: the next look brings it up to date"
    return f"writable, and the chain of {found.records:,} records holds{', with its seals' if sealed else ''}"


def _channels(protocol: StudyProtocol, settings: Settings) -> Iterator[Finding]:
    """Say of each role whether an alert would leave; a role with another channel that works is only warned of."""
    study = protocol.study.id
    if not protocol.alerts.routes:
        yield Finding(
            study, "channels", Status.WARNING, "no route: nobody would be told", "Add alerts.routes."
        )
    for route in protocol.alerts.routes:
        problems = unresolved(route.channels, folder=protocol.folder, addresses=settings.addresses)
        said = f"{route.role}: {'; '.join(problems)}"
        remedy = "Mend it, then try it with `postdose alerts route-test`."
        if not problems:
            yield Finding(study, "channels", Status.OK, f"{route.role}: {', '.join(route.channels)}")
        elif len(problems) < len(set(route.channels)):
            yield Finding(study, "channels", Status.WARNING, said, remedy)
        else:
            yield _stops(study, "channels", f"no alert would reach {said}", DeliveryError, remedy)


def _folders(protocol: StudyProtocol, settings: Settings) -> Finding:
    """Try to write where a look writes: its files, the deliveries it keeps, the ledger, outboxes."""
    targets = [
        protocol.folder / "looks" / protocol.study.id,
        protocol.folder / "deliveries" / protocol.study.id,
    ]
    targets += [
        protocol.folder / channel.removeprefix("file:")
        for route in protocol.alerts.routes
        for channel in route.channels
        if channel.startswith("file:")
    ]
    if settings.state_url.startswith("sqlite:///"):
        targets.append(Path(re.sub(r"^sqlite:///|\?.*", "", settings.state_url)).parent)
    refused = [
        f"{target} ({problem})" for target in dict.fromkeys(targets) if (problem := _unwritable(target))
    ]
    if not refused:
        return Finding(protocol.study.id, "folders", Status.OK, f"{len(set(targets))} can be written")
    remedy = "Let the account that makes the looks write there."
    return _stops(
        protocol.study.id, "folders", f"cannot be written: {'; '.join(refused)}", UsageError, remedy
    )


def _unwritable(folder: Path) -> str | None:
    """Return why nothing can be written to a folder, or to the one that it would be made in."""
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            return None
    except OSError as error:
        return error.strerror or type(error).__name__


def _closed_folders(protocol: StudyProtocol) -> Iterator[Finding]:
    """Name each closed report that others than its owner can reach."""
    looks = protocol.folder / "looks" / protocol.study.id
    reached = [one for one in looks.glob("*/closed") if one.stat().st_mode & 0o777 != FOLDER_MODE]
    if reached:
        said = f"others can reach the report by arm in {_few([str(one) for one in reached])}"
        yield Finding(
            protocol.study.id, "closed", Status.WARNING, said, "Set the mode of the folder to 0700."
        )


def _disk(protocol: StudyProtocol) -> Finding:
    free = shutil.disk_usage(protocol.folder).free
    said, remedy = (
        f"{free / (1 << 30):.1f} GB free",
        "Make room: looks/ and deliveries/ grow with every look.",
    )
    if free < FULL_DISK:
        return _stops(protocol.study.id, "disk", said, UsageError, remedy)
    if free < LOW_DISK:
        return Finding(protocol.study.id, "disk", Status.WARNING, said, remedy)
    return Finding(protocol.study.id, "disk", Status.OK, said)


def _feed(domain: str, source: FeedSource, inbox: Inbox, now: datetime) -> Finding:
    """Read a feed as it lies where it arrives; an incremental one may have been taken in and away."""
    study = inbox.protocol.study.id
    with tempfile.TemporaryDirectory() as nowhere:
        as_found = Inbox(inbox.protocol, DeliveryStore(Path(nowhere)), inbox.addresses)
        read = as_found.read(domain, by=now)
    problems = [one.problem for one in read if one.problem]
    kept = inbox.store.receipts(domain, by=now)
    if problems and source.mode == "incremental" and kept and not any(one.delivery.sha256 for one in read):
        return Finding(
            study, f"feed {domain}", Status.OK, f"nothing new; {len(kept)} deliveries were taken in"
        )
    if problems:
        return _stops(study, f"feed {domain}", "; ".join(problems), FeedError, FeedError.remedy)
    return Finding(study, f"feed {domain}", Status.OK, "can be read")


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
    yield (
        f"{stopping or 'Nothing'} would stop a look; {warnings} to look after."
        if warnings or stopping
        else ("Nothing would stop a look.")
    )


def _wrapped(one: Finding) -> Iterator[str]:
    head = f"  {one.status:<18}{one.check:<11}"
    said = one.said if not one.remedy else f"{one.said.rstrip('.')}. {one.remedy}"
    return iter(textwrap.wrap(head + said, WIDTH, subsequent_indent=" " * len(head)))
