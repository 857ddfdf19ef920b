"""The verdict of a look is the first that holds, and a signal lives from look to look."""

from dataclasses import replace
from pathlib import Path

import pytest
from evidence_by_hand import cases, results, windows

from checks.protocol import load_protocol
from checks.rules import Evidence, RuleResult, RuleVerdict
from checks.rules.evidence import DoseWindow, Event
from checks.scenario import ByScenario
from checks.signals import (
    Ground,
    Grounds,
    Signal,
    SignalState,
    Verdict,
    decide_verdict,
    evaluate_rules,
    near_rules,
    standing_of,
    too_little_observed,
    untrusted_feeds,
    update_signals,
)
from checks.validation import FeedOutcome

PROTOCOL = load_protocol(Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml")
CROSSED, NOT_CROSSED, UNKNOWN = RuleVerdict.CROSSED, RuleVerdict.NOT_CROSSED, RuleVerdict.NOT_EVALUABLE

QUIET = RuleResult("count", "count", None, NOT_CROSSED, NOT_CROSSED, NOT_CROSSED, 0, 10, 3)
OVER = replace(QUIET, id="over", verdict=CROSSED, worst_case=CROSSED, events=3)
WORST = replace(QUIET, id="worst", worst_case=CROSSED)
UNSEEN = replace(QUIET, id="unseen", verdict=UNKNOWN, best_case=UNKNOWN, worst_case=UNKNOWN)
SOUND = FeedOutcome("VS", ("a",), 9, 9, 0, "passed", None, False, True, ())
STALE = replace(SOUND, stale=True)


def verdict(*results, feeds=(SOUND,), short=1, too_little=None):
    watch = PROTOCOL.watch.model_copy(update={"cases_short_of_boundary": short})
    return decide_verdict(results, feeds, PROTOCOL.model_copy(update={"watch": watch}), too_little=too_little)


@pytest.mark.parametrize(
    ("results", "feeds", "expected"),
    [
        ((QUIET,), (SOUND,), Verdict.NO_SIGNAL),
        ((QUIET, OVER), (SOUND,), Verdict.SIGNAL),
        ((QUIET, OVER, UNSEEN), (STALE,), Verdict.SIGNAL),
        ((QUIET,), (STALE,), Verdict.NOT_ASSESSABLE),
        ((QUIET, WORST), (STALE,), Verdict.NOT_ASSESSABLE),
        ((UNSEEN, UNSEEN), (SOUND,), Verdict.NOT_ASSESSABLE),
        ((QUIET, UNSEEN), (SOUND,), Verdict.NO_SIGNAL),
        ((QUIET, WORST), (SOUND,), Verdict.WATCH),
    ],
    ids=[
        "quiet",
        "one rule crossed",
        "crossed though a feed is stale",
        "stale",
        "stale before watch",
        "no rule evaluable",
        "one rule not evaluable",
        "a worst case crosses",
    ],
)
def test_the_verdict_is_the_first_that_holds(results, feeds, expected):
    assert verdict(*results, feeds=feeds) is expected


@pytest.mark.parametrize(
    ("outcome", "trusted"),
    [
        (SOUND, True),
        (STALE, False),
        (replace(SOUND, outcome="failed"), False),
        (replace(SOUND, outcome="error"), False),
        (replace(SOUND, within_limit=False), False),
        (replace(SOUND, domain="LB", outcome="error"), True),
        (replace(SOUND, domain="DM", outcome="error"), False),
        (replace(SOUND, domain="EX", stale=True), False),
        (replace(SOUND, domain="AE", within_limit=False), False),
    ],
)
def test_a_needed_feed_must_be_readable_fresh_and_within_its_limit(outcome, trusted):
    """Cases need DM, EX, VS and AE; a laboratory feed silences its own rule alone."""
    assert untrusted_feeds([SOUND, outcome]) == (() if trusted else (outcome,))


@pytest.mark.parametrize(
    ("events", "boundary", "short", "expected"),
    [
        (2, 3, 1, Verdict.WATCH),
        (1, 3, 1, Verdict.NO_SIGNAL),
        (1, 3, 2, Verdict.WATCH),
        (2, 3, 0, Verdict.NO_SIGNAL),
        (0, 1, 1, Verdict.NO_SIGNAL),
        (1, None, 1, Verdict.NO_SIGNAL),
    ],
    ids=["one short", "two short", "two allowed", "none allowed", "no case at all", "no boundary yet"],
)
def test_watch_begins_within_so_many_cases_of_the_boundary(events, boundary, short, expected):
    assert verdict(replace(QUIET, events=events, boundary=boundary), short=short) is expected


def test_a_timing_rule_is_near_by_its_worst_case_alone():
    """Its boundary is a probability: it says nothing of a number of cases."""
    timing = replace(QUIET, kind="timing", events=1, boundary=0.025)
    assert verdict(timing) is Verdict.NO_SIGNAL
    assert verdict(replace(timing, worst_case=CROSSED)) is Verdict.WATCH


LABS = {"LYM": results(*((n, 1.0, True, True, True) for n in range(5)))}


def evidence(*, unobserved=0, held=(0, 0, 0)):
    """Ten elapsed windows, each of another subject."""
    return Evidence(cases(*held), windows(10 - unobserved, unobserved), planned_doses=1, labs=LABS)


def verdicts(found):
    return {result.id: result.verdict for result in evaluate_rules(found, PROTOCOL)}


def test_rules_answer_in_the_order_of_the_protocol():
    assert list(verdicts(evidence())) == ["three_cases", "rate", "timing", "registered_alc"]


@pytest.mark.parametrize(("unobserved", "said"), [(5, False), (6, True)], ids=["half", "more than half"])
def test_too_many_unobserved_windows_leave_no_signal_unsaid(unobserved, said):
    """The limit is 0.5 of 10 elapsed windows; the rules answer all the same."""
    found = evidence(unobserved=unobserved)
    assert (too_little_observed(found, PROTOCOL) is not None) is said
    assert verdicts(found)["three_cases"] is NOT_CROSSED


def test_the_reason_names_the_share():
    found = too_little_observed(evidence(unobserved=6), PROTOCOL)
    assert found == "6 of 10 elapsed dose windows were not observed; allowed: at most 50%"


def test_too_little_observed_takes_back_no_signal_and_hides_a_watch():
    assert verdict(OVER, too_little="9 of 10") is Verdict.SIGNAL
    assert verdict(WORST, too_little="9 of 10") is Verdict.NOT_ASSESSABLE
    assert verdict(QUIET, too_little="9 of 10") is Verdict.NOT_ASSESSABLE


def test_the_rules_of_a_watch_are_named_in_the_order_of_the_protocol():
    one_short = replace(QUIET, id="rate", events=2, boundary=3)
    watch = PROTOCOL.watch.model_copy(update={"cases_short_of_boundary": 1})
    watched = PROTOCOL.model_copy(update={"watch": watch})
    results = (replace(WORST, id="timing"), QUIET, one_short)
    assert near_rules(results, watched) == ("timing", "rate")
    assert near_rules((QUIET,), watched) == ()


def test_a_window_with_a_case_is_not_unobserved():
    """Six of ten windows were observed too little; one of them holds a case."""
    found = evidence(unobserved=6)
    held = found.windows[next(n for n, one in enumerate(found.windows) if not one.evaluable)]
    event = Event(held.subject, held.dose, 6.0, 0.0, in_risk=ByScenario(best=True, main=True, worst=True))
    assert replace(found, events=(event,)).windows_unobserved == 5


def test_known_cases_cross_where_little_was_observed():
    answers = verdicts(evidence(unobserved=9, held=(3, 3, 3)))
    assert answers["three_cases"] is CROSSED


def test_no_window_elapsed_is_no_share():
    """One case is known; its window is still open."""
    found = replace(evidence(held=(1, 1, 1)), windows=(DoseWindow(0, 1, 8.0, open=True),))
    assert verdicts(found)["three_cases"] is NOT_CROSSED


def signals(previous, *results):
    return update_signals(previous, results, "CYT107-IV")


def test_a_signal_is_new_then_ongoing_then_worse_then_cleared_then_new():
    (new,) = signals([], OVER)
    (ongoing,) = signals([new], OVER)
    (worse,) = signals([ongoing], replace(OVER, events=4))
    (fewer,) = signals([worse], OVER)
    (cleared,) = signals([fewer], replace(QUIET, id="over", events=2))
    life = (new, ongoing, worse, fewer, cleared)
    assert [signal.state for signal in life] == ["new", "ongoing", "worsened", "ongoing", "cleared"]
    assert [signal.events for signal in life] == [3, 3, 4, 3, 3]
    assert {signal.id for signal in life} == {new.id}
    assert signals([cleared], replace(QUIET, id="over")) == ()
    assert [signal.state for signal in signals([cleared], OVER)] == ["new"]


def test_a_rate_rule_that_falls_below_its_first_look_with_a_case_removed_is_cleared():
    before = Signal("x", "rate", SignalState.ONGOING, 2)
    short = replace(UNSEEN, id="rate", detail={"reason": "below", "events_known": 1})
    (cleared,) = signals([before], short)
    assert (cleared.state, cleared.events) == (SignalState.CLEARED, 2)
    (kept,) = signals([before], replace(short, detail={"reason": "below", "events_known": 2}))
    assert kept.state is SignalState.ONGOING


def test_what_is_delivered_late_clears_nothing_while_no_case_is_removed():
    """Healthy subjects who entered before the cases can make a boundary unmet in retrospect."""
    before = Signal("x", "rate", SignalState.NEW, 2)
    (kept,) = signals([before], replace(QUIET, id="rate", events=2))
    assert (kept.state, kept.events) == (SignalState.ONGOING, 2)


def test_not_measured_is_not_cleared():
    before = Signal("x", "over", SignalState.WORSENED, 4)
    (kept,) = signals([before], replace(UNSEEN, id="over"))
    assert (kept.state, kept.events) == (SignalState.ONGOING, 4)


def test_each_rule_has_its_own_signal_and_each_study_its_own_identifier():
    first, second = signals([], OVER, replace(OVER, id="rate"))
    assert (first.rule, second.rule) == ("over", "rate")
    (elsewhere,) = update_signals([], [OVER], "ANOTHER")
    assert len({first.id, second.id, elsewhere.id}) == 3


def test_a_rule_that_never_crossed_has_no_signal():
    assert signals([], QUIET, WORST, UNSEEN) == ()


def grounds(*, cutoff="2026-03-02T12:00:00Z", protocol="one", on=("S-1", "S-2", "S-3"), gone=()):
    """What a look says: the case of each subject's first dose counts, and these sentences took some back."""
    counted = tuple(Ground(subject, 1, (f"VS:VSSEQ={subject}",)) for subject in on)
    return Grounds(cutoff, protocol, {"over": counted}, lambda signal: tuple(gone))


def with_grounds(previous, result, **known):
    return update_signals(previous, [result], "S", grounds(**known))


def test_a_signal_says_what_it_rests_on_since_when_and_by_which_protocol():
    (new,) = with_grounds([], OVER)
    (later,) = with_grounds([new], OVER, cutoff="2026-03-03T12:00:00Z", protocol="two")
    assert [one.USUBJID for one in new.rests_on] == ["S-1", "S-2", "S-3"]
    assert (later.since, later.crossed_at) == ("2026-03-02T12:00:00Z", "2026-03-03T12:00:00Z")
    assert (new.protocol_sha256, later.protocol_sha256) == ("one", "two")


def test_a_signal_is_cleared_by_a_datum_and_by_nothing_else():
    """Fewer events, a rule that cannot be evaluated and one that the protocol has no more leave it standing."""
    (new,) = with_grounds([], OVER)
    for answer in (replace(QUIET, id="over"), replace(UNSEEN, id="over"), QUIET):
        (kept,) = [one for one in with_grounds([new], answer) if one.rule == "over"]
        assert (kept.state, kept.rests_on, kept.events) == (SignalState.ONGOING, new.rests_on, 3)
        assert standing_of(Verdict.NO_SIGNAL, [kept]) is Verdict.SIGNAL
    (cleared,) = with_grounds([new], replace(QUIET, id="over"), gone=["VS:VSSEQ=4 was deleted."])
    assert (cleared.state, cleared.reasons) == (SignalState.CLEARED, ("VS:VSSEQ=4 was deleted.",))
    assert standing_of(Verdict.WATCH, [cleared]) is Verdict.WATCH


def test_another_case_makes_a_signal_worse_though_one_was_taken_back():
    """As many events as before: one of them is of another subject. A dose that is numbered anew is no other."""
    (new,) = with_grounds([], OVER)
    (other,) = with_grounds([new], OVER, on=("S-1", "S-2", "S-4"))
    (fewer,) = with_grounds([new], OVER, on=("S-1", "S-2"))
    assert (other.state, fewer.state) == (SignalState.WORSENED, SignalState.ONGOING)
    assert Ground("S-1", 1, ("VS:VSSEQ=1",)).is_as(Ground("S-1", 2, ("VS:VSSEQ=1",)))
    assert not Ground("S-1", 1, ("VS:VSSEQ=1",)).is_as(Ground("S-1", 2, ("VS:VSSEQ=2",)))


def test_a_signal_that_a_person_closed_returns_by_other_evidence_or_a_new_crossing():
    (new,) = with_grounds([], OVER)
    closed = replace(new, state=SignalState.CLOSED)
    (same,) = with_grounds([closed], OVER)
    assert same.state is SignalState.CLOSED
    (other,) = with_grounds([closed], OVER, on=("S-1", "S-2", "S-4"))
    assert other.state is SignalState.WORSENED
    assert with_grounds([closed], replace(QUIET, id="over")) == ()
    assert [one.state for one in with_grounds([], OVER)] == [SignalState.NEW]
