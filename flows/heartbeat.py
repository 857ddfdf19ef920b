"""Whether the monitor lives: is its last look recent, are its feeds, and does a message lie undelivered.

For a watchdog outside: ``postdose heartbeat`` asks the ledger, ``heartbeat.json`` is written after each look that is
on record, and POSTDOSE_HEARTBEAT_URL is called then. None of them can tell of a machine that is off: whoever
asks, or waits to be called, must be on another.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from checks.errors import DeliveryError, UsageError
from checks.protocol import StudyProtocol, load_protocol
from checks.stamps import stamp
from flows.calls import call
from flows.clocks import is_ahead
from flows.files import write_whole
from flows.ledger import FeedFault, Head, Ledger, LookPayload, Seen
from flows.ledger.heads import by_heads
from flows.ledger.standing import Standing
from flows.settings import read_settings

if TYPE_CHECKING:
    from checks.looks.document import FeedPart, LookDocument

HEARTBEAT_URL = "POSTDOSE_HEARTBEAT_URL"

RECORD_BROKEN = "record_broken"
"""What the monitor's alert is about when a nightly check found that the record does not hold."""

CLOCK_AHEAD = "clock_ahead"
"""What it is about when a data cut-off on record is still to come."""

NOT_ASSESSABLE = 30
"""Exit code when the last look is too old or a feed of it is at fault: as of a look that cannot give an answer."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What the monitor raises an alert about of its own accord, and a sentence that says why."""

    about: str
    said: str


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the ledger tells of a study: its newest look, its head, and every cause for an alert of the monitor."""

    look: LookPayload | None
    head: Head | None
    causes: tuple[Cause, ...]

    @property
    def exit_code(self) -> int:
        """0 when there is no cause; an undelivered message outweighs the others, as it does in a look."""
        if any(cause.about.startswith("delivery_failed:") for cause in self.causes):
            return DeliveryError.exit_code
        return NOT_ASSESSABLE if self.causes else 0


def feed_faults(feeds: "Iterable[FeedPart]") -> dict[str, FeedFault]:
    """Return what a look's record keeps of each feed that is at fault, by domain: ``stale`` or ``blocked``.

    A feed that is blocked as well as stale counts as blocked: mending it is what is asked.
    """
    faults: dict[str, FeedFault] = {}
    for feed in feeds:
        if feed["outcome"] in ("failed", "error") or not feed["within_limit"]:
            faults[feed["domain"]] = {"fault": "blocked", "latest": feed["latest"]}
        elif feed["stale"]:
            faults[feed["domain"]] = {"fault": "stale", "latest": feed["latest"]}
    return faults


def monitor_causes(seen: Seen, protocol: StudyProtocol, now: datetime) -> tuple[Cause, ...]:
    """Return what the monitor itself must tell people: a pure function of what is seen of a study.

    At a moment (UTC); the protocol says how old its last look and its feeds may be.
    """
    return (
        *_look_missing(seen.look, protocol, now),
        *_feeds({} if seen.look is None else seen.look.get("feed_faults", {}), protocol),
        *_of_record(seen.standing),
        *_to_come(seen, now),
        *(Cause(about, said) for about, said in seen.faults.items()),
    )


def _look_missing(look: LookPayload | None, protocol: StudyProtocol, now: datetime) -> Iterator[Cause]:
    allowed = protocol.schedule.max_look_age_hours
    if look is None:
        yield Cause("look_missing", "No look of this study is on record.")
    elif now - datetime.fromisoformat(look["data_cutoff"]) > timedelta(hours=allowed):
        age = _age_hours(look, now)
        yield Cause(
            "look_missing",
            f"The last look had its data cut-off at {look['data_cutoff']}, {age:.1f} h ago; allowed: {allowed:g} h.",
        )


def _age_hours(look: LookPayload, now: datetime) -> float:
    return (now - datetime.fromisoformat(look["data_cutoff"])) / timedelta(hours=1)


def _feeds(faults: Mapping[str, FeedFault], protocol: StudyProtocol) -> Iterator[Cause]:
    sources = protocol.feeds.by_domain()
    for domain, fault in faults.items():
        latest = "no row of it counts" if fault["latest"] is None else f"latest datum {fault['latest']}"
        if fault["fault"] == "blocked":
            said = (f"The feed {domain} cannot be used as it is ({latest}).", *fault.get("said", ()))
            yield Cause(f"feed_blocked:{domain}", " ".join(said))
        elif domain in sources:
            allowed = sources[domain].max_age_hours or 0
            yield Cause(
                f"feed_stale:{domain}",
                f"The feed {domain} was older than allowed at the last look ({latest}; allowed: {allowed:g} h).",
            )


def _of_record(standing: Standing) -> Iterator[Cause]:
    """Tell of each role that no message could reach, until it is sent again or its alert is over; of a bad night."""
    roles = {one.role: one for one in standing.given_up.values()}
    for role, one in sorted(roles.items()):
        yield Cause(f"delivery_failed:{role}", f"A message to {role} was given up: {one.problem}")
    if standing.broken:
        yield Cause(RECORD_BROKEN, " ".join(standing.broken))


def _to_come(seen: Seen, now: datetime) -> Iterator[Cause]:
    """Tell of a look at a data cut-off that is still to come, until somebody takes the alert of it with a reason."""
    if seen.latest is None or not is_ahead(datetime.fromisoformat(seen.latest["data_cutoff"]), now):
        return
    said = (
        f"Look {seen.latest['look_id']} is on record with the data cut-off {seen.latest['data_cutoff']}, which is "
        "still to come: a clock was ahead, or somebody let it be. Set the clock, see `postdose deliveries list`, and "
        "acknowledge this alert with the reason."
    )
    alerts = [one for one in seen.standing.alerts.values() if one.about == CLOCK_AHEAD]
    if not any(one.acknowledgement is not None and one.cause == (said,) for one in alerts):
        yield Cause(CLOCK_AHEAD, said)


def take_pulse(ledger: Ledger, protocol: StudyProtocol, now: datetime) -> Pulse:
    """Return what a ledger tells of a study at a moment (UTC)."""
    seen = by_heads(ledger, protocol.folder, protocol.study.id)(ledger.seen(protocol.study.id, now))
    return Pulse(seen.look, ledger.head(), monitor_causes(seen, protocol, now))


def run_heartbeat(path: Path, *, state: str | None, now: datetime, as_json: bool) -> int:
    """Print whether the monitor of a study lives, and return the exit code.

    0 when it does; 30 when its last look is too old or a feed of it stale or blocked, or nothing is on record; 40
    when a message was given up that nobody has sent again, of an alert that stands and that nobody has taken; 41 when
    the ledger cannot be read.
    """
    protocol = load_protocol(path)
    settings = read_settings(os.environ, state=state, folder=protocol.folder)
    try:
        pulse = take_pulse(Ledger.of(settings, must_exist=True), protocol, now)
    except UsageError as error:
        pulse = Pulse(None, None, (Cause("look_missing", f"There is no ledger: {error}"),))
    document = json.dumps(_document(pulse, protocol, now), indent=1)
    sys.stdout.write((document if as_json else "\n".join(_lines(pulse, protocol, now))) + "\n")
    return pulse.exit_code


def _document(pulse: Pulse, protocol: StudyProtocol, now: datetime) -> dict[str, object]:
    look = pulse.look
    return {
        "schema": "postdose/heartbeat/1",
        "study": protocol.study.id,
        "checked_at": stamp(now),
        "alive": not pulse.causes,
        "exit_code": pulse.exit_code,
        "last_look": look and {name: look[name] for name in ("look_id", "data_cutoff", "verdict")},
        "ledger": pulse.head and asdict(pulse.head),
        "problems": [asdict(cause) for cause in pulse.causes],
    }


def _lines(pulse: Pulse, protocol: StudyProtocol, now: datetime) -> Iterator[str]:
    for cause in pulse.causes:
        yield f"{cause.about}: {cause.said}"
    if pulse.look is not None:
        age, verdict = _age_hours(pulse.look, now), pulse.look.get("standing", pulse.look["verdict"])
        yield f"{protocol.study.id}: last look {pulse.look['look_id']}, {verdict}, {age:.1f} h ago"


def write_beat(protocol: StudyProtocol, look: "LookDocument", *, completed_at: datetime) -> None:
    """Write ``looks/<study>/heartbeat.json`` beside the protocol; ``completed_at`` is UTC.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    told = {name: look[name] for name in ("study", "look_id", "data_cutoff", "verdict")}
    text = json.dumps({"schema": "postdose/beat/1", **told, "completed_at": stamp(completed_at)}, indent=1)
    file = protocol.folder / "looks" / protocol.study.id / "heartbeat.json"
    write_whole(file, text + "\n")


def call_watchdog(url: str) -> None:
    """Call the watchdog with GET and nothing else, so that nothing of the study leaves.

    Raises
    ------
    DeliveryError
        When it does not answer, without the address, which may hold a key.
    """
    problem = call(url)
    if problem is not None:
        raise DeliveryError(problem)
