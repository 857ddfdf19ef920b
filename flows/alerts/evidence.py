"""What a look found against what was last told: what is worse, and what took it back when it is gone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter

import pandas as pd
from pydantic import TypeAdapter

from checks.cases.charts import GRADES
from flows.pages.message import CaseFact, LookFacts, RuleFact

WINDOW = ("no", "possible", "yes")
CERTAINTY = ("possible", "definite")
GRADED = (None, *(grade.lower() for grade in GRADES))
"""From the least to the gravest, as a case of look.json has them."""

Place = tuple[str, int]
"""A subject's dose, by which a case of one look is found again in another: its hour may be corrected."""

FACTS = TypeAdapter(LookFacts)
"""Reads what a look told as a record holds it."""

AS_TOLD = attrgetter("USUBJID", "dose_number", "hour", "certainty", "in_risk_window", "grade")
"""What of a case makes it news when it changes."""

RULE_PARTS = {"verdict": "is crossed", "best_case": "is crossed at best", "worst_case": "is crossed at worst"}


def marked(look: LookFacts, told: LookFacts | None) -> LookFacts:
    """Return the look with each case marked as new that ``told`` had not so."""
    known = set() if told is None else {AS_TOLD(case) for case in told.cases}
    return replace(look, cases=tuple(replace(case, new=AS_TOLD(case) not in known) for case in look.cases))


def led_by(look: LookFacts, about: str) -> LookFacts:
    """Return the look as an alert tells it: its own rule first."""
    own = look.places.get(about.removeprefix("signal:"), 0)
    return replace(look, rules=(*look.rules[own : own + 1], *look.rules[:own], *look.rules[own + 1 :]))


def worsening(told: LookFacts, now: LookFacts, about: str) -> tuple[str, ...]:
    """Return what is worse than when it was last told, in sentences; nothing when nothing is.

    Cases weigh for every rule, that of a laboratory value too: while it is crossed no watch would tell of them.

    An alert about a rule weighs that rule alone, one about a verdict every rule, and the feeds at fault.
    """
    news = [*_worse_cases(told, now), *_worse_rules(told, now, about)]
    if about == "verdict:not_assessable":
        before = {_domain(feed) for feed in told.feeds}
        news += [f"The feed {feed}." for feed in now.feeds if _domain(feed) not in before]
    return tuple(news)


def clearing(
    told: LookFacts, now: LookFacts, about: str, changes: pd.DataFrame, reasons: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return what took back what was told, in sentences: data, cases no longer found, rules, feeds.

    ``changes`` is what later deliveries changed, as known by this look: the table CHANGES. ``reasons`` name the data
    that took back what a signal rests on.
    """
    said = [*reasons, *_lost_cases(told, now, changes)]
    if about.startswith("signal:"):
        before = {rule.id: rule for rule in _weighed(told, about)}
        said += [
            f"Rule {rule.id} was at {before[rule.id].observed} and is at {rule.observed} against a boundary of "
            f"{rule.boundary}."
            for rule in _weighed(now, about)
            if rule.id in before
        ]
    if about == "verdict:not_assessable":
        still = {_domain(feed) for feed in now.feeds}
        restored = (_domain(feed) for feed in told.feeds if _domain(feed) not in still)
        said += [f"The feed {domain} can be used again." for domain in restored]
    return tuple(said)


def _worse_cases(told: LookFacts, now: LookFacts) -> Iterator[str]:
    before, after = _by_dose(told), _by_dose(now)
    for place, cases in after.items():
        known = before.get(place, [])
        if len(cases) > len(known):
            yield f"{_named(place)}: a new case."
            continue
        for said in _worse(known, cases):
            yield f"{_named(place)}: {said}."


def _worse(before: Iterable[CaseFact], after: Iterable[CaseFact]) -> Iterator[str]:
    was, now = _gravest(before), _gravest(after)
    if now[0] > was[0]:
        yield "now in the risk window, which was not sure"
    if now[1] > was[1]:
        yield "now definite, was possible"
    if now[2] > was[2]:
        yield f"grade {GRADED[now[2]]}, was {GRADED[was[2]] or 'not known'}"


def _gravest(cases: Iterable[CaseFact]) -> tuple[int, int, int]:
    ranks = [(WINDOW.index(c.in_risk_window), CERTAINTY.index(c.certainty), _grade(c.grade)) for c in cases]
    window, certainty, grade = (max(values) for values in zip(*ranks, strict=True))
    return window, certainty, grade


def _grade(grade: str | None) -> int:
    return GRADED.index(grade) if grade in GRADED else 0


def _worse_rules(told: LookFacts, now: LookFacts, about: str) -> Iterator[str]:
    before = {rule.id: rule for rule in _weighed(told, about)}
    for rule in _weighed(now, about):
        for part, said in RULE_PARTS.items():
            was = getattr(before[rule.id], part) if rule.id in before else None
            if getattr(rule, part) == "crossed" and was != "crossed":
                yield f"Rule {rule.id} {said}, which it was not."


def _weighed(look: LookFacts, about: str) -> Iterable[RuleFact]:
    """Return the rules that an alert is about: its own, or all where it is about a verdict."""
    kind, _, own = about.partition(":")
    if kind != "signal":
        return look.rules
    return (look.rules[look.places[own]],) if own in look.places else ()


def _lost_cases(told: LookFacts, now: LookFacts, changes: pd.DataFrame) -> Iterator[str]:
    after = _by_dose(now)
    since = changes[changes["known_at"] > pd.Timestamp(told.data_cutoff)]
    for place, before in _by_dose(told).items():
        found = after.get(place, [])
        if found and _gravest(found)[:2] >= _gravest(before)[:2]:  # a grade that was lowered clears nothing
            continue
        corrected = " and ".join(sorted(set(since.loc[since["USUBJID"] == place[0], "domain"])))
        provisional = not corrected and any(case.provisional for case in before)
        what = f"the {'provisional ' if provisional else ''}case of {_named(place)}"
        cause = "A later value" if provisional else f"A correction of {corrected or 'the data'}"
        yield f"{cause} {f'made {what} less sure' if found else f'took back {what}'}."


def _by_dose(look: LookFacts) -> Mapping[Place, list[CaseFact]]:
    """Return the cases that may lie in the risk window, by subject and dose."""
    found: dict[Place, list[CaseFact]] = {}
    for case in look.cases:
        if case.in_risk_window != "no":
            found.setdefault((case.USUBJID, case.dose_number), []).append(case)
    return found


def _named(place: Place) -> str:
    return f"{place[0]}, dose {place[1]}"


def _domain(feed: str) -> str:
    return feed.partition(":")[0]
