"""The verdict of a look from its rules and feeds, and what became of each signal since the last look."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
    CLOSED = "closed"
    """A person closed it, and its rule is crossed by the same evidence."""


OPEN = (SignalState.NEW, SignalState.ONGOING, SignalState.WORSENED)
"""The states of a signal that asks to be assessed."""


@dataclass(frozen=True, slots=True)
class Ground:
    """One subject and dose on which a signal rests, with the rows that show it; of a laboratory value no dose."""

    USUBJID: str
    dose_number: int | None
    evidence: tuple[str, ...] = ()
    provisional: bool = False

    def is_as(self, other: "Ground") -> bool:
        """Whether both are one: of one subject, and of one dose or by the same row; doses may be numbered anew."""
        if self.USUBJID != other.USUBJID:
            return False
        return self.dose_number == other.dose_number or not set(self.evidence).isdisjoint(other.evidence)


@dataclass(frozen=True, slots=True)
class Signal:
    """A rule that is crossed, or was and stands.

    ``events`` are those counted when it was last crossed, at the data cut-off ``crossed_at``, by the protocol of
    ``protocol_sha256``, and ``rests_on`` what they are. It was first crossed at the look of ``since``; ``reasons``
    say what took back one that is cleared.
    """

    id: str
    rule: str
    state: SignalState
    events: int
    rests_on: tuple[Ground, ...] = ()
    since: str = ""
    crossed_at: str = ""
    protocol_sha256: str = ""
    reasons: tuple[str, ...] = ()


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
    if near_rules(results, protocol):
        return Verdict.WATCH
    return Verdict.NO_SIGNAL


def near_rules(results: Sequence[RuleResult], protocol: StudyProtocol) -> tuple[str, ...]:
    """Return the rules that make a look a watch: those near their boundary, and those across it at worst."""
    return tuple(result.id for result in results if _near(result, protocol.watch.cases_short_of_boundary))


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


@dataclass(frozen=True, slots=True)
class Grounds:
    """What one look says of the grounds of signals.

    Attributes
    ----------
    data_cutoff, protocol_sha256
        Of the look; a stamp, and the hash of its protocol.
    rests_on
        By rule, what its answer counts now.
    taken_back
        Returns a sentence for each ground of a signal that a datum has taken back since, which names it.
    """

    data_cutoff: str
    protocol_sha256: str
    rests_on: Mapping[str, tuple[Ground, ...]]
    taken_back: Callable[[Signal], tuple[str, ...]]


def standing_of(verdict: Verdict, signals: Iterable[Signal]) -> Verdict:
    """Return where a study stands: the louder of the verdict and the signals that are open."""
    return Verdict.SIGNAL if any(one.state in OPEN for one in signals) else verdict


def update_signals(
    previous: Sequence[Signal], results: Sequence[RuleResult], study: str, grounds: Grounds | None = None
) -> tuple[Signal, ...]:
    """Return the signals of this look: those crossed now, those that stand, and those cleared since the last.

    A signal is cleared where its rule is crossed no more and a datum has taken back what it rests on: a correction,
    or the contradiction of a value that was provisional. One that names nothing, of an earlier ledger, is cleared
    where fewer events are counted than when its rule was last crossed. Hours or healthy subjects that were delivered
    late, whatever their own time, clear nothing; neither does what could not be evaluated, nor a protocol that has
    changed: a rule that it has no more keeps its signal until a person closes it. A closed one returns by evidence
    that it did not rest on, or by a new crossing.
    """
    before = {signal.rule: signal for signal in previous if signal.state is not SignalState.CLEARED}
    updated = [_update(before.pop(result.id, None), result, study, grounds) for result in results]
    updated += [_stays(signal) for signal in before.values()]
    return tuple(signal for signal in updated if signal is not None)


def _update(before: Signal | None, result: RuleResult, study: str, grounds: Grounds | None) -> Signal | None:
    if result.verdict is RuleVerdict.CROSSED:
        return _crossed(before, result, study, grounds)
    if before is None or before.state is SignalState.CLOSED:
        return None
    reasons = _taken_back(before, result, grounds)
    if reasons is None:
        return _stays(before)
    return replace(before, state=SignalState.CLEARED, reasons=reasons)


def _crossed(before: Signal | None, result: RuleResult, study: str, grounds: Grounds | None) -> Signal:
    """Return the signal of a rule that is crossed, with what the crossing counts."""
    rests_on = () if grounds is None else grounds.rests_on.get(result.id, ())
    now = Signal(
        id=hashlib.sha256(f"{study}\n{result.id}".encode()).hexdigest()[:12],
        rule=result.id,
        state=SignalState.NEW,
        events=result.events,
        rests_on=rests_on,
        since="" if grounds is None else grounds.data_cutoff,
        crossed_at="" if grounds is None else grounds.data_cutoff,
        protocol_sha256="" if grounds is None else grounds.protocol_sha256,
    )
    if before is None:
        return now
    more = [one for one in rests_on if before.rests_on and not any(map(one.is_as, before.rests_on))]
    another_case = any(one.evidence for one in more)
    if result.events > before.events or another_case or (before.state is SignalState.CLOSED and more):
        state = SignalState.WORSENED
    else:
        state = SignalState.CLOSED if before.state is SignalState.CLOSED else SignalState.ONGOING
    return replace(now, state=state, since=before.since)


def _stays(before: Signal) -> Signal | None:
    return None if before.state is SignalState.CLOSED else replace(before, state=SignalState.ONGOING)


def _taken_back(before: Signal, result: RuleResult, grounds: Grounds | None) -> tuple[str, ...] | None:
    """Return what took a signal back, in sentences; None where nothing did."""
    if grounds is not None and before.rests_on:
        return grounds.taken_back(before) or None
    known = result.events_known
    return () if known is not None and known < before.events else None
