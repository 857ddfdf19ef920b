"""The verdict of a look from its rules and feeds, and what became of each signal since the last look."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from checks.protocol import StudyProtocol
from checks.rules import KINDS, Evidence, RuleResult, RuleVerdict
from checks.validation import FeedOutcome

NEEDED_FEEDS = ("DM", "EX", "VS", "AE")
"""Without these, where the protocol names them, cases cannot be found; a missing LB silences its rule alone."""


class Verdict(StrEnum):
    """The answer of one look."""

    NO_SIGNAL = "no_signal"
    WATCH = "watch"
    SIGNAL = "signal"
    NOT_ASSESSABLE = "not_assessable"


class SignalState(StrEnum):
    """What became of a signal since the last look."""

    NEW = "new"
    ONGOING = "ongoing"
    WORSENED = "worsened"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Signal:
    """A rule that is, or was at the last look, crossed; ``events`` are those counted when it was last crossed."""

    id: str
    rule: str
    state: SignalState
    events: int


def evaluate_rules(evidence: Evidence, protocol: StudyProtocol) -> tuple[RuleResult, ...]:
    """Return the answer of every rule on what was observed, however much was not, in the order of the protocol."""
    return tuple(rule.evaluate(evidence) for rule in protocol.rules)


def too_little_observed(evidence: Evidence, protocol: StudyProtocol) -> str | None:
    """Return why "no signal" may not be said; None where enough elapsed dose windows were observed.

    It never takes back a rule that has crossed: what was not observed cannot undo what was.
    """
    elapsed, unobserved = evidence.windows_elapsed, evidence.windows_unobserved
    if not elapsed or unobserved / elapsed <= protocol.limits.max_unobserved:
        return None
    allowed = f"{protocol.limits.max_unobserved:.0%}"
    return f"{unobserved} of {elapsed} elapsed dose windows were not observed; allowed: at most {allowed}"


def decide_verdict(
    results: Sequence[RuleResult],
    feeds: Iterable[FeedOutcome],
    protocol: StudyProtocol,
    *,
    too_little: str | None,
) -> Verdict:
    """Return the verdict: the first that holds of signal, not_assessable, watch, no_signal.

    ``too_little`` is what ``too_little_observed`` says.
    """
    if any(result.verdict is RuleVerdict.CROSSED for result in results):
        return Verdict.SIGNAL
    unknown = all(result.verdict is RuleVerdict.NOT_EVALUABLE for result in results)
    if untrusted_feeds(feeds) or too_little is not None or unknown:
        return Verdict.NOT_ASSESSABLE
    if any(_near(result, protocol.watch.cases_short_of_boundary) for result in results):
        return Verdict.WATCH
    return Verdict.NO_SIGNAL


def untrusted_feeds(feeds: Iterable[FeedOutcome]) -> tuple[FeedOutcome, ...]:
    """Return the needed feeds that are missing, unreadable, stale, failed or too much quarantined."""
    return tuple(feed for feed in feeds if feed.domain in NEEDED_FEEDS and not feed.trustworthy)


def _near(result: RuleResult, short: int) -> bool:
    """Whether the worst case crosses, or the cases seen are within ``short`` of a boundary in events."""
    if result.worst_case is RuleVerdict.CROSSED:
        return True
    counts_cases = KINDS[result.kind].cases_cross and result.verdict is RuleVerdict.NOT_CROSSED
    return bool(
        counts_cases
        and result.events
        and result.boundary is not None
        and result.boundary - result.events <= short
    )


def update_signals(
    previous: Sequence[Signal], results: Sequence[RuleResult], study: str
) -> tuple[Signal, ...]:
    """Return the signals of this look: those crossed now, and those cleared since the last.

    A signal is cleared where fewer events are counted than when its rule was last crossed: a correction removed
    one. This holds before the first look of a rate rule too, which such a correction may lead back to. With as
    many events the signal is ongoing, though the rule may be crossed no more: hours or healthy subjects that
    were delivered late, whatever their own time, clear nothing. Neither does what could not be evaluated.
    """
    before = {signal.rule: signal for signal in previous if signal.state is not SignalState.CLEARED}
    updated = (_update(before.get(result.id), result, study) for result in results)
    return tuple(signal for signal in updated if signal is not None)


def _update(before: Signal | None, result: RuleResult, study: str) -> Signal | None:
    identifier = hashlib.sha256(f"{study}\n{result.id}".encode()).hexdigest()[:12]
    if result.verdict is RuleVerdict.CROSSED:
        if before is None:
            return Signal(identifier, result.id, SignalState.NEW, result.events)
        worse = result.events > before.events
        return Signal(
            identifier, result.id, SignalState.WORSENED if worse else SignalState.ONGOING, result.events
        )
    if before is None:
        return None
    counted = result.events_known
    removed = counted is not None and counted < before.events
    return Signal(
        identifier, result.id, SignalState.CLEARED if removed else SignalState.ONGOING, before.events
    )
