"""What is said of a look wherever it is shown: what happened, to whom, when after the dose, and each boundary."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from checks.cases.charting import Charting
from checks.looks.caveats import MOST_CHECKS, said_of_check
from checks.looks.document import CasePart, CheckPart, FeedPart, LookDocument, RulePart
from flows.pages.cases import cases_in_order
from flows.pages.kit.tables import Cell
from flows.pages.kit.verdicts import PROSE_UNITS
from flows.pages.kit.words import AT_MOST, DASH, number, p_text, plural, rate, ratio, span, spoken, utc_text

STATISTICS: Mapping[str, str] = {
    "log_likelihood_ratio": "log likelihood ratio",
    "e_value": "e-value",
}
"""What a timing method compares with its boundary where that is no p-value."""

SEVERITY = ("severity", "severity_e_process")
"""The timing methods that count no events."""

MOST_NAMED = 5
"""Cases or participants named beside an answer: about as many as are taken in at a glance."""


def standing_of(look: LookDocument) -> str:
    """Return where the study stands after a look: its own verdict where no ledger knows of an open signal."""
    return look.get("standing", look["verdict"])


def beneath(look: LookDocument) -> list[str]:
    """Return the rules that would make a look that is not assessable a watch."""
    return look.get("watch_beneath", [])


def repairs(look: LookDocument) -> str:
    """Return what is to be mended first where doubt alone makes a look a watch: feed, rows, check, where; or ""."""
    places = {(one["domain"], one["name"]): one.get("place") for one in look["checks"]}
    named = []
    for one in look.get("repairs", ()):
        place = places.get((one["domain"], one["check"]))
        where = f", {place}" if place else ""
        named.append(f"{one['domain']} ({plural(one['rows'], 'row')} in doubt: {one['check']}{where})")
    return f"Repair first: {'; '.join(named)}." if named else ""


def in_window(look: LookDocument, answer: str) -> list[CasePart]:
    """Return the cases whose ``in_risk_window`` has that answer, in reading order."""
    return [case for case in cases_in_order(look) if case["in_risk_window"] == answer]


def first_seen(cases: Sequence[CasePart]) -> str:
    """Return the hours of the cases, as the end of a sentence; nothing when none is known."""
    hours = sorted(case["hour"] for case in cases if case["hour"] is not None)
    return f", at {span((hours[0], hours[-1]))} h after dosing" if hours else ""


def lead_sentence(look: LookDocument, name: str, risk: Sequence[float]) -> str:
    """Return what happened, to how many, and when after the dose, in one sentence.

    ``name`` is the case definition in words, or "" to leave it out; ``risk`` is the risk window, hours since dose.
    """
    cases, dosed = in_window(look, "yes"), int(look["exposure"]["subjects_dosed"])
    of_what = f" of {name}" if name else ""
    if not cases:
        return (
            f"No definite case{of_what} in the risk window ({span(risk)} h after dosing) "
            f"among {plural(dosed, 'participant')} dosed."
        )
    affected = len({case["USUBJID"] for case in cases})
    return (
        f"{plural(len(cases), 'case')}{of_what} in {affected:,} of {plural(dosed, 'participant')} dosed"
        f"{first_seen(cases)}; the risk window is {span(risk)} h."
    )


def _signal_sentences(look: LookDocument) -> Iterator[str]:
    """Say why a signal stands whose rule is not crossed now, what took one back, and how the protocol changed."""
    answers = {rule["id"]: rule["verdict"] for rule in look["rules"]}
    for signal in look.get("signals", ()):
        rule, since = signal["rule"], utc_text(signal.get("since"))
        protocol, now = signal.get("protocol_sha256") or look["protocol_sha256"], look["protocol_sha256"]
        if signal["state"] == "cleared":
            yield f"Signal of {rule} cleared: {' '.join(signal.get('reasons', ())) or 'fewer events are counted.'}"
        elif answers.get(rule) != "crossed":
            yield (
                f"Signal of {rule}, since the look of {since}: it stands. The rule is not crossed on the data as "
                "they are now known, but nothing took back what the signal rests on: a correction ends it, or a "
                "person who closes it."
            )
        if signal["state"] != "cleared" and protocol != now:
            gone = "" if rule in answers else ", which has this rule no more"
            yield (
                f"The study protocol changed after the signal of {rule}: from {protocol[:12]} to {now[:12]}{gone}. "
                "The signal stays until a person closes it."
            )
        if signal["state"] == "closed":
            yield f"The signal of {rule} was closed by a person; its rule is crossed by the same evidence."


def _rule_sentences(look: LookDocument) -> Iterator[str]:
    crossed = [rule["id"] for rule in look["rules"] if rule["verdict"] == "crossed"]
    nearly = [
        rule["id"]
        for rule in look["rules"]
        if rule["verdict"] == "not_crossed" and rule["worst_case"] == "crossed"
    ]
    if crossed:
        yield f"Crossed: {', '.join(crossed)}."
    if nearly:
        yield f"Crossed only if the missing facts are at their worst: {', '.join(nearly)}."


def _feed_sentences(look: LookDocument) -> Iterator[str]:
    """Name the feeds at fault where they are what keeps the look from an answer."""
    if look["verdict"] != "not_assessable":  # whatever else stands
        return
    said = {feed["domain"]: feed_state(feed) for feed in look["feeds"]}
    faults = [
        f"{domain} {state.removeprefix('passed, ')}{_most_withheld(look, domain)}"
        for domain, state in said.items()
        if state not in {"passed", "not applicable"}
    ]
    if faults:
        yield f"Feeds at fault: {'; '.join(faults)}."
    exposure = look["exposure"]
    elapsed = exposure["windows_evaluable"] + exposure["windows_unobserved"]
    if elapsed:
        yield f"{exposure['windows_unobserved']:,} of {plural(elapsed, 'elapsed dose window')} unobserved."
    else:
        yield "No dose window has elapsed."
    for component, suffices in charting_texts([Charting(**one) for one in look.get("observation") or ()]):
        if not suffices:
            yield f"Charted too seldom: {component}."


def _most_withheld(look: LookDocument, domain: str) -> str:
    """Name the check that withheld most rows of a feed; nothing where none did."""
    withheld = [one for one in look["quarantine"] if one["domain"] == domain]
    if not withheld:
        return ""
    most = max(withheld, key=lambda one: one["rows"])
    return f" ({plural(most['rows'], 'row')} failed the check {most['check']})"


def check_sentence(check: CheckPart) -> str:
    """Return what a failed check says, as look.json tells it among what could change the answer."""
    return said_of_check(check["name"], check["message"], check.get("place", ""))


def fault_sentences(look: LookDocument, domain: str) -> Iterator[str]:
    """Say what keeps a feed from being used: its problems, and the checks that withheld most of its rows."""
    checks = [one for one in look["checks"] if one["domain"] == domain and one["severity"] != "warns"]
    checks.sort(key=lambda one: -one["numerator"])
    problems = (problem for feed in look["feeds"] if feed["domain"] == domain for problem in feed["problems"])
    yield from (f"{one}." for one in problems if one not in {check["message"] for check in checks})
    yield from map(check_sentence, checks[:MOST_CHECKS])


def feed_state(feed: FeedPart) -> str:
    """Return a feed's outcome in words, with what else is wrong: "passed, stale"."""
    outcome = "missing" if feed["outcome"] == "error" and not feed["sha256"] else spoken(feed["outcome"])
    if outcome == "missing":
        return outcome
    beyond = [] if feed.get("within_limit", True) else ["too many rows in quarantine"]
    emptied = beyond and feed["latest"] is None  # no row is left that could be fresh
    stale = ["stale"] if feed["stale"] and not emptied else []
    return ", ".join([outcome, *stale, *beyond])


def further_sentences(look: LookDocument) -> tuple[str, ...]:
    """Return what the lead sentence leaves out: possible cases, cases elsewhere, an alert not delivered."""
    said = [*_signal_sentences(look), *_rule_sentences(look), *_feed_sentences(look)]
    possible, outside = len(in_window(look, "possible")), len(in_window(look, "no"))
    if possible:
        said.append(
            f"{plural(possible, 'further case')} may lie in the risk window: "
            "the list of possible cases says what is missing to settle each."
        )
    provisional = sum(case["provisional"] for case in look["cases"])
    if provisional:
        rests = "case rests" if provisional == 1 else "cases rest"
        said.append(f"{provisional:,} {rests} on a last value that nothing has confirmed yet: provisional.")
    if outside:
        said.append(f"{plural(outside, 'case')} outside the risk window, listed for comparison.")
    delivery = look.get("delivery")
    if delivery and delivery["outcome"] in {"pending", "failed"}:
        said.append(f"Alert delivery: {delivery['outcome']}. Those named here may not know of this look yet.")
    return tuple(said)


def boundary_text(rule: RulePart) -> str:
    """Return the rule's boundary, or that none applies yet."""
    if rule["boundary"] is None:
        return "none yet"
    if rule["detail"]["boundary_is"] == "p_value":
        return f"p {AT_MOST} {rate(rule['boundary'])}"
    return number(rule["boundary"])


def observed_cell(rule: RulePart) -> Cell:
    """Return what the rule compares with its boundary; a rule that cannot be evaluated observed nothing."""
    if rule["verdict"] == "not_evaluable":
        return Cell(DASH)
    total = f" of {number(rule['n_evaluable'])}" if rule["n_evaluable"] is not None else ""
    counted = f"{number(rule['events'])}{total}"
    boundary_is = rule["detail"]["boundary_is"]
    if boundary_is == "events":
        return Cell(counted, _counted_of(rule) if total else "")
    note = f"{counted} events in {'the window found' if chose_window(rule) else 'the risk window'}"
    if rule["method"] in SEVERITY:
        note = f"rests on {counted} participants{_rests_on(rule)}"
    if boundary_is == "p_value":
        return Cell(f"p = {p_text(rule['p_value'])}", note)
    return Cell(f"{STATISTICS[boundary_is]} {ratio(rule['statistic'])}", note)


def _counted_of(rule: RulePart) -> str:
    """Return of what a rule counts so many of so many."""
    if rule["kind"] == "timing":
        return "events in risk hours"
    return f"{PROSE_UNITS[rule['detail'].get('unit', 'subject')]}s"


def _rests_on(rule: RulePart) -> str:
    """Return by name on whom a severity rule that is crossed rests: they need not have a case."""
    rests_on = rule["detail"].get("rests_on", []) if rule["verdict"] == "crossed" else []
    names = [f"{one['USUBJID']}, dose {one['dose_number']}" for one in rests_on[:MOST_NAMED]]
    more = f"; {len(rests_on) - MOST_NAMED} more" if len(rests_on) > MOST_NAMED else ""
    return f": {'; '.join(names)}{more}" if names else ""


def observed_text(rule: RulePart) -> str:
    """Return what the rule compares with its boundary in one line."""
    observed = observed_cell(rule)
    joined = " " if rule["detail"].get("boundary_is") == "events" else ", "
    return joined.join(filter(None, (observed.text, observed.note)))


def reason_of(rule: RulePart) -> str:
    """Return why a rule cannot be evaluated, or nothing."""
    return (rule["detail"] or {}).get("reason") or ""


def chose_window(rule: RulePart) -> bool:
    """Return whether the rule chose its window after the events."""
    return "window_hours" in rule["detail"]


def grade_text(grade: str | None) -> str:
    """Return the highest grade of a case's adverse events: "3", "severe (no grade)", or that none is known."""
    if grade is None:
        return "none reported"
    return grade if grade.isdigit() else f"{grade} (no grade)"


def charting_texts(rows: Sequence[Charting]) -> Iterator[tuple[str, bool]]:
    """Yield how the tests of each component are charted, and whether one of them observes half of its windows."""
    for component, some in groupby(rows, key=lambda one: one.component):
        by_test = [list(of_test) for _, of_test in groupby(some, key=lambda one: one.test)]
        suffices = any(2 * everywhere.observed >= everywhere.windows for everywhere, *_ in by_test)
        yield f"{spoken(component)}: {'; '.join(map(_charting_text, by_test))}", suffices


def _charting_text(rows: Sequence[Charting]) -> str:
    """Say how one test is charted, and what would have sufficed where it observes too little.

    ``rows`` are for all sites together, then for each.
    """
    everywhere, *sites = rows
    spread = f"nine of ten {number(everywhere.low_hours)} to {number(everywhere.high_hours)} h"
    said = f"{everywhere.test} every {number(everywhere.median_hours)} h ({spread})"
    if not everywhere.windows:
        return f"{said}, no risk window has passed"
    observed = f"{everywhere.observed} of {plural(everywhere.windows, 'risk window')}"
    said += f", fresh for {number(everywhere.fresh_hours)} h: observes {observed}"
    if 2 * everywhere.observed >= everywhere.windows:
        return said
    enough = everywhere.sufficient_hours
    needed = "no hours would observe half" if enough is None else f"{number(enough)} h would observe half"
    each = [
        f"{one.SITEID} {one.observed} of {one.windows}, every {number(one.median_hours)} h" for one in sites
    ]
    by_site = f" ({'; '.join(each)})" if len(each) > 1 else ""
    return f"{said}; {needed}{by_site}"
