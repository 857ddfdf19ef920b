"""What a replay says of each rule: when it first could have fired, what delayed it, and what it lacked."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from checks.cases import Case
from checks.knowledge import Knowledge
from checks.looks import Look, case_part, look_at
from checks.looks.document import RulePart
from checks.protocol import StudyProtocol
from checks.rules import KINDS
from checks.validation.catalogue.times import FUTURE
from flows.looks.replay.delays import (
    MINUTE,
    LookAt,
    Seen,
    delay_of,
    entered,
    first_crossing,
    first_seen,
    perfect,
)
from flows.looks.replay.history import History
from flows.pages.cases import CaseWords
from flows.pages.kit.words import plural
from flows.pages.replay import DelayPart, Entry, NearestPart, RuleAnswer, StateChange

CROSSED, NOT_CROSSED = "crossed", "not_crossed"


@dataclass(frozen=True, slots=True)
class Knowings:
    """The three ways in which data may be known, as looks at any moment, and when the first dose was given."""

    perfect: LookAt
    entered: LookAt
    delivered: LookAt
    begins: datetime


def knowings(history: History, last: datetime) -> Knowings:
    """Return the looks from which the delays are told, by what is known at the end of the replay."""
    feeds, whole = history.deliveries.known_at(last).feeds, history.look(last)
    subjects, doses = whole.validation.subjects, whole.doses["start_earliest"]
    zones = dict(zip(subjects["USUBJID"], subjects["timezone"], strict=True))
    protocol = history.protocol
    return Knowings(
        _looks(perfect(feeds, zones).at, protocol),
        _looks(entered(feeds, zones, protocol).at, protocol),
        _looks(history.deliveries.known_at, protocol),
        (doses.min().to_pydatetime() if len(doses) else last) - MINUTE,
    )


def _looks(known_at: Callable[[datetime], Knowledge], protocol: StudyProtocol) -> LookAt:
    @cache
    def look(moment: datetime) -> Seen:
        found = look_at(known_at(moment), protocol, data_cutoff=moment)
        return Seen(frozenset(one.id for one in found.rules if one.verdict == CROSSED), found.cases)

    return look


def answer_rules(entries: Sequence[Entry], history: History) -> list[RuleAnswer]:
    """Return what the replay says of each rule of the protocol, in its order; ``entries`` are those of its looks."""
    ways = knowings(history, _moment(entries[-1]))
    by_rule = zip(*(entry["rules"] for entry in entries), strict=True)
    return [_answer_rule(rules, entries, ways, history) for rules in by_rule]


def _answer_rule(
    rules: Sequence[RulePart], entries: Sequence[Entry], ways: Knowings, history: History
) -> RuleAnswer:
    name, kind = rules[0]["id"], rules[0]["kind"]
    crossed = next((at for at, rule in enumerate(rules) if rule["verdict"] == CROSSED), None)
    worst = next((at for at, rule in enumerate(rules) if rule["worst_case"] == CROSSED), None)
    answer: RuleAnswer = {
        "id": name,
        "kind": kind,
        "first_crossed": None if crossed is None else entries[crossed]["data_cutoff"],
        "changes": list(_changes(entries, rules)),
        "waterfall": None,
        "possible": None,
        "nearest": None if crossed is not None else _nearest(entries, rules),
    }
    if crossed is not None:
        before = ways.begins if crossed == 0 else _moment(entries[crossed - 1])
        answer["waterfall"] = _waterfall(name, kind, before, _moment(entries[crossed]), ways)
    if worst is not None and (crossed is None or worst < crossed):
        facts = missing_facts(history.look(_moment(entries[worst])), kind)
        answer["possible"] = {"since": entries[worst]["data_cutoff"], "missing": facts}
    return answer


def _moment(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry["data_cutoff"])


def _changes(entries: Sequence[Entry], rules: Sequence[RulePart]) -> Iterator[StateChange]:
    """Yield each look at which a rule became crossed, or was cleared; not measured is not cleared."""
    state = NOT_CROSSED
    for entry, rule in zip(entries, rules, strict=True):
        if rule["verdict"] in (CROSSED, NOT_CROSSED) and rule["verdict"] != state:
            state = rule["verdict"]
            yield {"data_cutoff": entry["data_cutoff"], "became": CROSSED if state == CROSSED else "cleared"}


def _nearest(entries: Sequence[Entry], rules: Sequence[RulePart]) -> NearestPart | None:
    """Return the look at which a rule that never crossed came nearest, and its answer there."""
    evaluated = [(_distance(rule), at) for at, rule in enumerate(rules) if rule["verdict"] == NOT_CROSSED]
    if not evaluated:
        return None
    _, at = min(evaluated)
    return {"data_cutoff": entries[at]["data_cutoff"], "rule": rules[at]}


def _distance(rule: RulePart) -> float:
    """Return how far a rule is from its boundary: a p-value as it is, else the share still to go."""
    if KINDS[rule["kind"]].compares_hours:
        if rule["p_value"] is not None:
            return float(rule["p_value"])
        return -float(rule["statistic"] or 0.0)
    if not rule["boundary"]:
        return 1.0
    return 1.0 - float(rule["events"]) / float(rule["boundary"])


def _waterfall(rule: str, kind: str, before: datetime, looked: datetime, ways: Knowings) -> DelayPart:
    """Return the moments between the last onset that the rule needed and the look that found it crossed."""
    ideal = first_crossing(ways.perfect, rule, ways.begins, looked, _first_seen(ways, looked))
    delivered = first_crossing(ways.delivered, rule, before, looked) or looked
    hints = [] if ideal is None else [ideal]
    written = first_crossing(ways.entered, rule, ways.begins, delivered, hints)
    onset = ideal
    if ideal is not None and KINDS[kind].rests_on_cases:
        onset = max(_first_seen(ways, ideal), default=ideal)
    return delay_of(onset, ideal, written, delivered, looked)


def _first_seen(ways: Knowings, by: datetime) -> list[datetime]:
    """Return when each case of the risk window was first seen that had been seen by then."""
    return [first_seen(case) for case in ways.perfect(by).cases if case.in_risk_window == "yes"]


def missing_facts(look: Look, kind: str) -> list[str]:
    """Return what a look lacked to be sure: of each possible case the fact that decides, and rows withheld."""
    facts = []
    if KINDS[kind].rests_on_cases:
        words = CaseWords(look.protocol)
        facts += [
            f"{case.USUBJID}, dose {case.dose_number}: {_reason(case, look, words)}"
            for case in look.cases
            if case.in_risk_window == "possible"
        ]
        unsure = sum(event.counted != event.surely for event in look.findings.control_events)
        if KINDS[kind].compares_hours and unsure:
            facts.append(f"{plural(unsure, 'event')} of control hours whose onset may lie outside them")
        if look.validation.unplaced:
            facts.append(
                f"{plural(len(look.validation.unplaced), 'subject')} with rows that no dose can hold"
            )
    withheld = look.quarantine
    names = (
        (domain, check)
        for domain, check in zip(withheld["domain"], withheld["check"], strict=True)
        if check != FUTURE  # what lies after the cut-off was not missing
    )
    facts += [
        f"{plural(rows, 'row')} of {domain} in quarantine ({check})"
        for (domain, check), rows in sorted(Counter(names).items())
    ]
    return facts


def _reason(case: Case, look: Look, words: CaseWords) -> str:
    """Return why a case is no more than possible in the risk window."""
    withheld = look.quarantine
    mine = withheld[withheld["USUBJID"] == case.USUBJID]
    named = set(mine["domain"] + ":" + mine["record"])
    cited = [text for part in case.components.values() for text in part.evidence if text in named]
    if cited:
        return f"rests on a row in quarantine ({cited[0]})"
    if (mine["domain"] == "EX").any():
        return "a dose of the subject is in quarantine"
    return " and ".join(words.missing(case_part(case)))
