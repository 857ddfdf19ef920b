"""A message for where few characters are taken: its study, verdict, cases, alert and page, and then what fits."""

from collections.abc import Iterator
from typing import Final

from typing_extensions import TypedDict

from flows.pages.kit.words import number, plural, spoken, utc_text
from flows.pages.message.facts import CaseFact, Facts, Occasion
from flows.pages.message.sections import SHOWN_OF_ID, headline, one_line

FOLDERS_SHOWN: Final = 3
"""The parts of a page's path that tell it from the study's others: the study, the data cut-off, the file."""


class Short(TypedDict):
    """What a shorter text is made of.

    ``says`` are its lines, which are never left out, each in words that become fewer; ``more`` is what follows in
    the order in which it is wanted.
    """

    says: list[list[str]]
    more: list[str]


def short_of(facts: Facts) -> Short:
    """Return what a shorter text of a message is made of."""
    says = [_what(facts), _cases(facts), _alert(facts), _page(facts)]
    return {"says": [one for one in says if one], "more": [*_more(facts)]}


def _what(facts: Facts) -> list[str]:
    said, study = headline(facts), one_line(facts.study.id)
    simulated = "SIMULATED " if facts.study.simulated else ""
    capitals = said.partition(": ")[0]
    return [
        f"postdose {study}: {simulated}{said}",
        f"{study}: {simulated}{said}",
        f"{study} {simulated}{capitals}",
    ]


def _cases(facts: Facts) -> list[str]:
    if facts.look is None:
        return []
    found = sum(case.in_risk_window == "yes" for case in facts.look.cases)
    possible = sum(case.in_risk_window == "possible" for case in facts.look.cases)
    whole = f"{plural(found, 'case')} in the risk window, {possible} possible"
    return [whole, f"{plural(found, 'case')}, {possible} possible", plural(found, "case")]


def _alert(facts: Facts) -> list[str]:
    if facts.occasion is Occasion.TEST:
        return [f"There is no alert; test {one_line(facts.alert)}", one_line(facts.alert)]
    name = one_line(facts.alert)
    return [f"Alert {name}", f"alert {name}", f"alert {name[:SHOWN_OF_ID]}"]


def _page(facts: Facts) -> list[str]:
    """Return where the page is: the whole of it, the end of its path, or its look, by which it is found."""
    if facts.report is None:
        return []
    where = one_line(facts.report)
    shown = [f"Report: {where}", where]
    if "://" not in where:
        shown.append("/".join(where.split("/")[-FOLDERS_SHOWN:]))
    return shown if facts.look is None else [*shown, f"look {facts.look.look_id}"]


def _more(facts: Facts) -> Iterator[str]:
    if facts.acknowledge_by is not None:
        yield f"Acknowledge by {utc_text(facts.acknowledge_by.isoformat())}."
    yield from facts.news
    if facts.look is not None:
        cases = sorted(facts.look.cases, key=lambda case: (case.in_risk_window == "no", not case.new))
        yield from map(_case, cases)
        yield from facts.look.lead
    yield from facts.cause
    yield f"For {spoken(facts.role)}."


def _case(case: CaseFact) -> str:
    when = "hour not known" if case.hour is None else f"{number(case.hour)} h"
    new = "NEW " if case.new else ""
    return f"{new}{one_line(case.USUBJID)}: {when} after dose {case.dose_number}, {case.certainty}"
