"""Why each case counts, in plain words: what makes it less than definite, what would settle it, and a glossary.

Every sentence is in one table, by word. The hours in it are the protocol's; those of the chart run from the dose.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from checks.looks.document import CasePart, ComponentPart, LookDocument
from checks.measurements import VITALS
from checks.protocol import StudyProtocol
from flows.pages.kit.tables import Item
from flows.pages.kit.words import number, span, spoken, utc_text


@dataclass(frozen=True, slots=True)
class Word:
    """One word for why something counts: as it is said of a case, what it means, and what would settle it.

    ``missing`` would make it definite and ``cleared`` would take it back; both are said of what is possible alone.
    """

    said: str
    meaning: str
    missing: str = ""
    cleared: str = ""


WORDS: Mapping[str, Word] = {
    "new": Word("new", "not present in the {washout} h before, and normal by the same test before that"),
    "worse": Word(
        "worse than at any time in the {washout} h before",
        "present already, but clearly beyond what any two values in a row showed in the {washout} h before",
        "any {test} value, normal or not, in hours {fresh}",
        "a value as bad in hours {since_washout}",
    ),
    "lone": Word(
        "one value, contradicted by the next within {confirm} h",
        "one abnormal value that nothing else confirms: the next, within {confirm} h, is normal",
        "another abnormal {test} value in hours {again}, or another abnormal test within half an hour of it",
        "a correction, if the value at hour {seen} was an artefact or a slip",
    ),
    "back": Word(
        "gone for less than the washout of {washout} h",
        "present less than {washout} h before, or reported then and not known to be over: perhaps the same episode",
        "a correction of what was abnormal, or reported, in hours {since_washout}",
        "values in those hours that show it was never gone",
    ),
    "unseen": Word(
        "no normal value of the same test in the {fresh_for} h before",
        "no fresh normal value of the same test lies before it, so it may have begun earlier",
        "a normal {test} value in hours {fresh}",
        "an abnormal {test} value in those hours: it had begun before",
    ),
    "room_air": Word(
        "held against room air: no FiO2 was charted in the {baseline} h before",
        "oxygen that was begun without an FiO2 before it is held against room air",
        "an FiO2 in hours {since_baseline}",
        "an FiO2 in those hours that was as high already",
    ),
    "reported": Word(
        "reported as an adverse event",
        "reported as an adverse event, and shown by no measurement",
        "the clock time at which it began",
        "a time at which it cannot count: outside the risk window, or while it was present already",
    ),
    "untimed": Word(
        "measured without a time",
        "an abnormal value without its hour: it may have been any time of the stamp, before or after every other",
        "the clock time at which it was measured",
        "a time at which it cannot count: outside the risk window, or while it was present already",
    ),
    "half": Word(
        "since {since}",
        "present already when the other component began: half a case",
        "values that show {name} gone before, and begun again or worse within {within} h of the other",
        "a physician's judgement that the other began for itself",
    ),
    "provisional": Word(
        "provisional: it rests on a last value that nothing has confirmed yet; settled by {settled}",
        "the last value of a test is abnormal, and its contradiction may still come: it counts until then",
        "the next {test} value by {settled}: abnormal, it is confirmed",
        "a normal one by then takes it back",
    ),
    "dose_time": Word(
        "the hour of its dose is not known",
        "the dose has a date and no clock time",
        "the clock time of the dose (EXSTDTC)",
        "a time that places it outside the risk window",
    ),
    "withheld": Word(
        "needs a row in quarantine",
        "it is a case only with rows that failed a check",
        "the site's word that the rows in quarantine are right",
        "their correction",
    ),
    "wide": Word(
        "its hours {interval} reach into the risk window",
        "the middle of its interval is outside the risk window, an end is not",
        "a value between hours {interval}: it would say when it began",
        "the same, if it places the onset outside",
    ),
}
"""What is said of a case by the word that look.json has for it, or that follows from what it has."""

_NO_BEGINNING = -50 * 365 * 24
"""Hours since a dose: what may have begun fifty years before it as by a row whose time cannot be read, has none."""

_PLACES = ("yes", "possible", "no")


def working_list(look: LookDocument) -> list[CasePart]:
    """Return the cases that are not settled: first those that may lie in the risk window, the newest first."""
    unsettled = [case for case in look["cases"] if not _settled(case)]
    newest = sorted(unsettled, key=lambda case: (_began_by(case), case["USUBJID"]), reverse=True)
    return sorted(newest, key=lambda case: _PLACES.index(case["in_risk_window"]))


def settled_cases(look: LookDocument) -> list[CasePart]:
    """Return the definite cases whose place is known, those in the risk window first, then by their hour."""
    return [case for case in cases_in_order(look) if _settled(case)]


def cases_in_order(look: LookDocument) -> list[CasePart]:
    """Return the cases, those in the risk window first, then by the hour at which they were first seen."""
    return sorted(
        look["cases"],
        key=lambda case: (
            _PLACES.index(case["in_risk_window"]),
            case["hour"] is None,
            case["hour"] or 0.0,
            case["USUBJID"],
            case["dose_number"],
        ),
    )


def _settled(case: CasePart) -> bool:
    return case["certainty"] == "definite" and case["in_risk_window"] != "possible"


def _began_by(case: CasePart) -> datetime:
    return datetime.fromisoformat(case["dose_start"]) + timedelta(hours=case["onset_hours"][1])


class CaseWords:
    """What is said of cases by one protocol's hours."""

    def __init__(self, protocol: StudyProtocol) -> None:
        self._definition, self._protocol = protocol.case_definition, protocol

    def components(self, case: CasePart) -> str:
        """Return each component, the interval of its onset, and why it counts."""
        said = [
            f"{spoken(name)} {_hours(part)}: {self._said(case, name)}"
            for name, part in case["components"].items()
        ]
        said += [f"{spoken(name)}: {self._said(case, name)}" for name in case["since"]]
        return "; ".join(said)

    def why(self, case: CasePart) -> str:
        """Return why each component counts, and what else makes the case less than sure."""
        of_all = (*case["components"], *case["since"])
        said = [f"{spoken(name)}: {self._said(case, name)}" for name in of_all]
        said += [self._fill(WORDS[word].said, case) for word in self._of_case(case)]
        return "; ".join(said)

    def provisional(self, case: CasePart) -> str:
        """Return that a case may still be taken back, and until when; nothing when it may not."""
        return self._fill(WORDS["provisional"].said, case) if case["provisional"] else ""

    def missing(self, case: CasePart) -> tuple[str, ...]:
        """Return what would make a case definite, in whole phrases: which measurement, from when to when."""
        said = (self._fill(WORDS[word].missing, case, name) for name, word in self._doubts(case))
        return tuple(dict.fromkeys(said))

    def cleared(self, case: CasePart) -> tuple[str, ...]:
        """Return what would take a case back."""
        said = (self._fill(WORDS[word].cleared, case, name) for name, word in self._doubts(case))
        return tuple(dict.fromkeys(said))

    def glossary(self, cases: Sequence[CasePart]) -> tuple[Item, ...]:
        """Return the words that are said of some cases, with their meaning."""
        words = {word for case in cases for word in (*case["why"].values(), *self._of_case(case))}
        return tuple(
            Item(TERMS.get(word, spoken(word)), self._filled(meaning.meaning, {}))
            for word, meaning in WORDS.items()
            if word in words
        )

    def _said(self, case: CasePart, name: str) -> str:
        return self._fill(WORDS[case["why"][name]].said, case, name)

    def _doubts(self, case: CasePart) -> Iterator[tuple[str, str]]:
        """Yield each word that leaves a case unsettled, with the component that it is said of."""
        for name, word in case["why"].items():
            if word == "half" or case["components"][name]["certainty"] == "possible":
                yield name, word
        last = max(case["components"], key=lambda name: case["components"][name]["onset_hours"][1])
        yield from ((last, word) for word in self._of_case(case))

    def _of_case(self, case: CasePart) -> Iterator[str]:
        """Yield what is said of a case as a whole."""
        parts = case["components"].values()
        sure = not case["since"] and all(part["certainty"] == "definite" for part in parts)
        if case["provisional"]:
            yield "provisional"
        if sure and case["certainty"] == "possible":
            yield "dose_time" if case["hour"] is None else "withheld"
        if case["certainty"] == "definite" and case["in_risk_window"] == "possible":
            yield "wide"

    def _fill(self, text: str, case: CasePart, name: str | None = None) -> str:
        """Return a sentence with the hours that it speaks of."""
        values = {"settled": utc_text(case["settled_by"]), "interval": onset_span(case["onset_hours"])}
        part = case["components"].get(name or "")
        if name is not None:
            values |= {"name": spoken(name), "since": _since(case["since"].get(name))}
        if part is not None:
            values |= self._of_component(str(name), part)
        return self._filled(text, values)

    def _of_component(self, name: str, part: ComponentPart) -> Mapping[str, str]:
        seen, code = part["onset_hours"][1], part["test"]
        tests = [one for one in self._definition.components[name].tests if code in (None, one[1])]
        hours = [self._definition.hours_of(test) for test in tests]
        fresh, confirm, again = (
            min((getattr(one, kind) for one in hours), default=0.0) for kind in ("fresh", "confirm", "again")
        )
        washout, baseline = self._definition.washout_hours, self._protocol.baseline_hours
        return {
            "test": "same-test" if code is None else VITALS[code].label if code in VITALS else code,
            "confirm": number(confirm),
            "fresh_for": number(fresh),
            "seen": number(seen),
            "fresh": _between(seen - fresh, seen),
            "again": _between(seen - again, seen + again),
            "since_washout": _between(seen - washout, seen),
            "since_baseline": _between(seen - baseline, seen),
        }

    def _filled(self, text: str, values: Mapping[str, str]) -> str:
        definition = self._definition
        of_protocol = {
            "washout": number(definition.washout_hours),
            "within": number(definition.onsets_within_hours),
            "baseline": number(self._protocol.baseline_hours),
            "confirm": number(definition.confirm_hours),
        }
        return text.format_map({**of_protocol, **values})


TERMS: Mapping[str, str] = {
    "room_air": "held against room air",
    "unseen": "not seen normal before",
    "half": "since an hour",
    "dose_time": "hour of the dose not known",
    "withheld": "in quarantine",
    "wide": "reaches into the window",
}
"""How the glossary names a word that does not speak for itself."""


def case_hour(case: CasePart) -> str:
    """Return the hour at which a case was first seen, or that it is not known."""
    return f"{number(case['hour'])} h" if case["hour"] is not None else "not known"


def other_doses(case: CasePart) -> str:
    """Return every other dose of the two days before a case, with its hours; nothing without one."""
    doses = (f"{number(one['hour'])} h after dose {one['dose_number']}" for one in case["other_doses"])
    said = " and ".join(doses)
    return f"also {said}" if said else ""


def dose_notes(case: CasePart) -> str:
    """Return what else is to be known of the dose of a case: that it was interrupted, and other doses before."""
    paused = case.get("interruptions")
    return "; ".join(one for one in (f"dose {paused}" if paused else "", other_doses(case)) if one)


def _hours(part: ComponentPart) -> str:
    return f"{onset_span(part['onset_hours'])} h"


def onset_span(hours: Sequence[float] | None) -> str:
    """Return between which hours since its dose an onset lies: "5-6"; "up to 6" where nothing says from when on."""
    if hours and hours[0] < _NO_BEGINNING:
        return f"up to {number(hours[-1])}"
    return span(hours, missing="not known")


def _since(hour: float | None) -> str:
    return "a time that is not known" if hour is not None and hour < _NO_BEGINNING else f"hour {number(hour)}"


def _between(first: float, last: float) -> str:
    return f"{number(first)} to {number(last)}"
