"""Caveats: what must be said beside a verdict, above all the missing facts that could change it."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import pandas as pd

from checks.cases import Findings
from checks.cases.unobserved import Reason, Unobserved, why_unobserved
from checks.criteria import LabCriterion
from checks.protocol import StudyProtocol
from checks.rules import KINDS, RuleResult, RuleVerdict
from checks.rules.evidence import BackgroundEvidence
from checks.validation import Validation
from checks.validation.catalogue.times import FUTURE

if TYPE_CHECKING:
    from checks.looks.path import Look


def caveats(look: "Look") -> tuple[str, ...]:
    """Return sentences for the reader, the most decisive first."""
    return (
        *_feeds(look.validation, look.protocol),
        *_failed_checks(look.validation, look.doses),
        *_rules(look.rules, look.protocol),
        *_contradicted(look.rules),
        *_cases(look.findings),
        *_doses(look.findings.doses, look.validation),
        *_unobserved(look),
        *_withheld(look.validation),
        *_as_found(look.validation),
        *_not_yet_known(look.validation),
        *_told_once(look.validation),
        *_changed(look.changes),
        *_timing(look.rules),
        *_scanned(look.rules),
        *_background(look.protocol, look.evidence.background),
    )


def _feeds(validation: Validation, protocol: StudyProtocol) -> Iterator[str]:
    for feed in validation.feeds:
        if feed.trustworthy or feed.outcome == "not_applicable":
            continue
        if feed.problems:
            yield f"The feed {feed.domain} cannot be trusted: {feed.problems[0].removeprefix(f'{feed.domain}: ')}."
        elif feed.stale:
            yield f"The feed {feed.domain} is older than the protocol allows."
        else:
            allowed = f"{protocol.limits.max_quarantined:.0%}"
            yield (
                f"The feed {feed.domain} has {feed.rows_quarantined:,} of {feed.rows_read:,} rows in quarantine; "
                f"allowed: at most {allowed}."
            )


TOLD: Final = frozenset(
    {"clock_certain", "test_spelt_one_way", "term_coded", "file_is_a_table", "death_dated"}
)
"""Checks that withhold nothing and say how a feed was read: what was inferred is told wherever the answer is."""

TOLD_AGAIN: Final = {
    "EX": "RFXSTDTC in DM (the first dose)",
    "VS": "VSELTM in VS (the hours since the dose)",
    "LB": "LBELTM in LB (the hours since the dose)",
}
"""What would tell the times of a feed a second time; of events SDTM has nothing of the kind."""

PAGE_HAS_ALL: Final = "the page has them all."

MOST_CHECKS: Final = 5
"""Failed checks that are told beside an answer: what withholds the most; the page has a table of all."""


def _failed_checks(validation: Validation, doses: pd.DataFrame) -> Iterator[str]:
    """Say what failed, where, what is allowed and what to do, in the order of the feeds: often of the cause first."""
    without = {"treatment_listed"} if doses.empty else set()
    failed = [
        one
        for one in validation.checks
        if one.outcome == "failed"
        and (one.severity == "quarantines" or one.name in TOLD | without)
        and one.name != FUTURE
    ]
    most = sorted(failed, key=lambda one: (one.severity != "quarantines", -one.numerator))[:MOST_CHECKS]
    for one in failed:
        if one in most:
            yield said_of_check(one.name, one.message, one.place)
    more = len(failed) - len(most)
    yield from _counted(more, "further check|further checks", f"failed: {PAGE_HAS_ALL}")


def said_of_check(name: str, message: str, place: str) -> str:
    """Return what a failed check says wherever it is told: what was found, what is allowed, what to do, and where."""
    return f"{message}. {f'In {place}. ' if place else ''}Check {name}."


def _rules(results: Sequence[RuleResult], protocol: StudyProtocol) -> Iterator[str]:
    components = protocol.case_definition.components.values()
    by_lab = any(isinstance(one, LabCriterion) for component in components for one in component.criteria)
    denser = "measurements" if by_lab else "vital signs"
    for result in results:
        if result.verdict is RuleVerdict.NOT_EVALUABLE:
            yield f"Rule {result.id} cannot be evaluated: {result.reason}."
        elif result.verdict is RuleVerdict.CROSSED and result.best_case is not RuleVerdict.CROSSED:
            yield f"Rule {result.id} is crossed, but not {_at_best(result, denser)}."
        elif result.worst_case is RuleVerdict.CROSSED and result.verdict is not RuleVerdict.CROSSED:
            yield f"Rule {result.id} is not crossed, but would be with {_at_worst(result)} counted against the drug."


def _at_best(result: RuleResult, denser: str) -> str:
    """Return what the best case of a rule leaves out, or sets against it, and what would decide."""
    sure = "when only cases whose whole onset interval lies in the risk window count"
    if result.informative_events is None and not result.chose_window:
        return f"{sure}: denser {denser} would decide"
    if result.detail.get("events_best") == result.events:
        return "when every possible case outside the risk window counts as well: settling those would decide"
    return f"{sure}, and every possible case outside it: denser {denser} would decide"


def _at_worst(result: RuleResult) -> str:
    """Return what the worst case of a rule has beyond its main analysis."""
    if result.scores_charts:
        return "every row in quarantine"
    return f"every doubtful {'onset' if KINDS[result.kind].rests_on_cases else 'result'}"


def _cases(findings: Findings) -> Iterator[str]:
    open_cases = [case for case in findings.cases if case.in_risk_window != "no"]
    dated = sum(case.hour is None for case in open_cases)
    timed = sum(case.hour is not None and case.certainty == "possible" for case in open_cases)
    queries = sum(part.query for case in findings.cases for part in case.components.values())
    yield from _counted(
        dated, "possible case has|possible cases have", "no time of day: ask the sites for it."
    )
    yield from _counted(
        timed,
        "possible case rests|possible cases rest",
        "on what was not measured, not confirmed, or is in quarantine: the list of cases says what each lacks.",
    )
    yield from _counted(
        queries, "onset is|onsets are", "dated differently by vital signs and adverse events."
    )


def _doses(doses: pd.DataFrame, validation: Validation) -> Iterator[str]:
    given = doses[doses["trusted"]]
    if given.empty and any(feed.domain == "EX" and feed.rows_read for feed in validation.feeds):
        held = "" if doses.empty else f" The rows of {_plural(len(doses), 'dose|doses')} are in quarantine."
        yield f"EX tells of no dose that counts, so that no hours run and no window can be looked at.{held}"
    without_time = given["start_earliest"] < given["start_latest"]
    yield from _counted(
        without_time.sum(),
        "dose has|doses have",
        "no time of day, so hours since dose are not known: ask the sites for the time at which each began.",
    )
    still_open = (given["window"] == "open").sum()
    yield from _counted(still_open, "dose window has|dose windows have", "not yet elapsed.")


def _unobserved(look: "Look") -> Iterator[str]:
    """Say why windows are not observed: which vital, at which site, and what would suffice."""
    doses, seen = look.findings.doses, look.validation
    given = doses[doses["trusted"]]
    timed = given[given["start_earliest"] == given["start_latest"]]
    lost = int((timed["window"] == "unobserved").sum())
    if not lost:
        return
    elapsed = int(timed["window"].isin(["evaluable", "unobserved"]).sum())
    yield f"{lost:,} of {_plural(elapsed, 'elapsed dose window|elapsed dose windows')} unobserved."
    found = why_unobserved(seen.measurements, seen.subjects, doses, look.protocol, look.data_cutoff)
    yield from map(_why, found)
    if not found:
        yield "Each component was measured by itself, but not in the same hours of these windows."


def _why(one: Unobserved) -> str:
    where = ", ".join(f"{site} {windows:,}" for site, windows in one.sites.items())
    tests = " or ".join(one.tests)
    component = one.component.replace("_", " ").capitalize()
    begins = f"{component} is unobserved in {_plural(one.windows, 'window|windows')} ({where}): "
    match one.reason:
        case Reason.WITHHELD:
            said = f"the rows of {tests} of these subjects are in quarantine, as said above"
        case Reason.NEVER:
            said = f"no {tests} is in the feed for these hours. Ask the sites for them"
        case Reason.SELDOM:
            hours = one.sufficient_hours
            wider = (
                "no" if hours is None else f"`fresh_hours: {{{one.test}: {math.ceil(10 * hours) / 10:g}}}`"
            )
            said = (
                f"{tests} measured too seldom, where a measurement speaks for {one.fresh_hours:g} h; half of each "
                f"would be observed by {wider}{' `fresh_hours`' if hours is None else ''}, and by more measurements"
            )
    return f"{begins}{said}."


def _withheld(validation: Validation) -> Iterator[str]:
    rows = sum(feed.rows_quarantined for feed in validation.feeds)
    yield from _counted(
        rows,
        "row is|rows are",
        "in quarantine; they count in the worst case alone. quarantine.csv, beside the report, lists each with what "
        "was found.",
    )


def _as_found(validation: Validation) -> Iterator[str]:
    found = [feed.domain for feed in validation.feeds if feed.sha256 and feed.received is None]
    if found:
        yield (
            f"When {', '.join(found)} {'was' if len(found) == 1 else 'were'} received is not on record: the files "
            "are read as they were found, and taken to have been at hand at the data cut-off."
        )


def _not_yet_known(validation: Validation) -> Iterator[str]:
    """Say which rows are held back by their own word: with a wrong clock they would be lost without one."""
    found = [feed for feed in validation.feeds if feed.rows_not_yet_known]
    if found:
        counted = ", ".join(f"{feed.domain} {feed.rows_not_yet_known:,}" for feed in found)
        yield (
            "Rows that are not counted yet, since by `known_at` they became known after the data cut-off: "
            f"{counted}. Where they were delivered before, the clock that told it is wrong."
        )


def _told_once(validation: Validation) -> Iterator[str]:
    """Name the column that would show a shifted clock, where one can be delivered."""
    lacking = [name for name in validation.told_once if name in TOLD_AGAIN]
    if lacking:
        yield (
            f"Times of {' and '.join(lacking)} are told once: a clock that is hours wrong there would not be seen. "
            f"To deliver: {' and '.join(TOLD_AGAIN[name] for name in lacking)}."
        )


def cannot_show(look: "Look") -> tuple[str, ...]:
    """Return sentences on what no look at such feeds can show, whatever is corrected or delivered beside them."""
    alone = [name for name in look.validation.told_once if name not in TOLD_AGAIN]
    return tuple(
        f"Whether a clock of {name} is hours wrong: its times are told once, and SDTM tells their hours nowhere else."
        for name in alone
    )


def _changed(changes: pd.DataFrame) -> Iterator[str]:
    counts = changes["kind"].value_counts()
    said = [
        f"{int(counts[kind]):,} {kind}" for kind in ("corrected", "deleted", "restored") if kind in counts
    ]
    if said:
        yield (
            f"Later deliveries changed what earlier ones had said ({', '.join(said)}): changes.csv lists each change."
        )


def _timing(results: Sequence[RuleResult]) -> Iterator[str]:
    named = (one for one in results if KINDS[one.kind].compares_hours and not one.chose_window)
    if any(result.p_value is not None for result in named):
        yield (
            "The timing p-value holds for a window named before the events, and assumes that an event changes "
            "neither how often vital signs are taken nor the next dose."
        )


def _contradicted(results: Sequence[RuleResult]) -> Iterator[str]:
    for result in results:
        if result.contradiction is not None:
            yield f"Rule {result.id}: {result.contradiction}."


def _scanned(results: Sequence[RuleResult]) -> Iterator[str]:
    for result in results:
        if result.chose_window and result.p_value is not None:
            yield (
                f"Rule {result.id} chose its window after the events: it pays for every window it could have "
                "chosen, and proves less than a window named before."
            )
        if result.left_out is not None:
            yield f"Rule {result.id}: {result.left_out}."


def _background(protocol: StudyProtocol, background: BackgroundEvidence) -> Iterator[str]:
    declared = protocol.background
    if declared is not None:
        low, high = declared.range or (None, None)
        spread = "" if low is None or high is None else f" ({low:.1%} to {high:.1%})"
        yield f"Background assumed by the protocol: {declared.rate:.1%} per {declared.unit}{spread}."
    onsets = _plural(background.events, "new onset|new onsets")
    seen = f"{onsets} in {background.hours:,.0f} control hours"
    units = [unit for unit in ("window", "subject") if unit in background.estimated]
    shares = [
        f"{one.estimate:.1%} per {unit} (95 % limits {one.ci95[0]:.1%} to {one.ci95[1]:.1%})"
        for unit in units
        for one in (background.estimated[unit],)
    ]
    if shares:
        yield f"Background seen in the same participants' own control hours: {seen}, or {', '.join(shares)}."
    else:
        yield "Background cannot be estimated: no control hour was observed."


def _counted(number: int, one_or_many: str, rest: str) -> Iterator[str]:
    """Yield the sentence that tells how many there are; none where there are none."""
    if number:
        yield f"{_plural(number, one_or_many)} {rest}"


def _plural(number: int, one_or_many: str) -> str:
    one, many = one_or_many.split("|")
    return f"{number:,} {one if number == 1 else many}"
