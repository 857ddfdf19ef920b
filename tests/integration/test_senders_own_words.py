"""What senders write in words of their own, through a whole look: what is plain is read, what is in doubt is kept.

Each study is one of four subjects, of whom the first is truly ill. Two cases are a signal: where the second subject's
is lost without a word the answer is ``no_signal``, where it is kept in doubt ``watch``.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from four_subjects import FIRST, SECOND, SUBJECTS, THIRD, FourSubjects, administration


class Written(NamedTuple):
    """How the feeds are written, the right answers, and a pattern of what is said of it."""

    make: Callable[[FourSubjects], None]
    right: str
    named: str = ""


def _treatment(name: str, *subjects: str) -> Callable[[FourSubjects], None]:
    def make(study: FourSubjects) -> None:
        study.make_ill(SECOND)
        for subject in subjects or SUBJECTS:
            study.dose(subject)["EXTRT"] = name

    return make


def _declared_another(study: FourSubjects) -> None:
    _treatment("Efineptakin alfa", SECOND)(study)
    study.protocol["treatment"]["not_study_drug"] = ["Efineptakin alfa"]


def _given_beside(study: FourSubjects) -> None:
    """Give each another drug too, and the second subject that alone."""
    study.make_ill(SECOND)
    study.ex += [{**study.dose(one), "EXTRT": "DEXAMETHASONE"} for one in SUBJECTS]
    study.ex.remove(study.dose(SECOND))


TREATMENTS: Mapping[str, Written] = {
    "each with its strength": Written(_treatment("STUDYDRUG 10 ug/kg"), "signal"),
    "one with its strength": Written(_treatment("Studydrug (efineptakin) 3mg", SECOND), "signal"),
    "one with a hyphen": Written(_treatment("STUDY-DRUG", SECOND), "signal"),
    "one with a slip": Written(_treatment("STUDYDRG", SECOND), "watch", "under another name"),
    "one by another name": Written(_treatment("Efineptakin alfa", SECOND), "watch", "not_study_drug"),
    "each by another name": Written(_treatment("Efineptakin alfa"), "not_assessable", "under another name"),
    "another drug, as the protocol says": Written(_declared_another, "no_signal", "without an accepted dose"),
    "another drug, that all have": Written(_given_beside, "no_signal", "without an accepted dose"),
}


def _event_of_r5(**said: Any) -> Callable[[FourSubjects], None]:
    def make(study: FourSubjects) -> None:
        study.make_ill(SECOND, "TEMP")
        told = {
            "resourceType": "AdverseEvent",
            "id": "dyspnoea",
            "status": "completed",
            "actuality": "actual",
            "code": {"text": "Dyspnoea"},
            "subject": {"reference": f"Patient/{SECOND}"},
            "occurrenceDateTime": "2024-06-10T14:10:00+02:00",
        }
        others = [{**told, "id": term, "code": {"text": term}} for term in ("Nausea", "Rash", "Cough")]
        study.as_fhir("ae", [{name: one for name, one in {**told, **said}.items() if one}, *others])

    return make


def _doses_of_r5(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    resources = [administration(row) for row in study.ex]
    for one in resources:
        one["occurencePeriod"] = one.pop("effectivePeriod")
        one["medication"] = {"concept": one.pop("medicationCodeableConcept")}
    study.as_fhir("ex", resources)


R5: Mapping[str, Written] = {
    "an event": Written(_event_of_r5(), "signal"),
    "an event of a day": Written(_event_of_r5(occurrenceDateTime="2024-06-10"), "watch"),
    "an event that was only potential": Written(_event_of_r5(actuality="potential"), "no_signal"),
    "an event on hold": Written(_event_of_r5(status="on-hold"), "watch", "AEOCCUR"),
    "an event of which the time of record alone is known": Written(
        _event_of_r5(occurrenceDateTime=None, recordedDate="2024-06-10"), "watch", "AESTDTC is blank"
    ),
    "doses": Written(_doses_of_r5, "signal"),
}


def _coded(codes: Mapping[str, str], *subjects: str, **said: str) -> Callable[[FourSubjects], None]:
    """Give vitals of some subjects local codes, in place of their own."""

    def make(study: FourSubjects) -> None:
        study.make_ill(SECOND)
        for row in study.vs:
            if row["USUBJID"] in subjects and row["VSTESTCD"] in codes:
                row.update(said | {"VSTESTCD": codes[row["VSTESTCD"]]})

    return make


def _another_test_beside(study: FourSubjects) -> None:
    """Chart a test with values of a saturation beside the saturation."""
    study.make_ill(SECOND)
    study.vs += [{**row, "VSTESTCD": "X99", "VSORRES": "97", "VSORRESU": ""} for row in study.vs[:]]


BOTH = {"TEMP": "X17", "OXYSAT": "X18"}
CODES: Mapping[str, Written] = {
    "of a temperature": Written(_coded({"TEMP": "X17"}, SECOND, VSORRESU=""), "watch", "X17 .*may be TEMP"),
    "of a saturation, with its unit and a label": Written(
        _coded({"OXYSAT": "X17"}, SECOND, VSTEST="Wert 17"), "watch", "X17 .*may be OXYSAT"
    ),
    "of all that a subject has": Written(_coded(BOTH, SECOND, VSORRESU=""), "watch", "may be OXYSAT"),
    "of all that a site has": Written(
        _coded(BOTH, FIRST, SECOND, THIRD, VSORRESU=""), "not_assessable", "may be\\s+OXYSAT"
    ),
    "of a test beside the vital": Written(_another_test_beside, "signal", "X99"),
}


def _dated(form: str, month: str, told: str = "") -> Callable[[FourSubjects], None]:
    """Write every time of VS in a form, with June by another name; ``told`` is what the protocol says of it."""

    def make(study: FourSubjects) -> None:
        study.make_ill(SECOND)
        for row in study.vs:
            row["VSDTC"] = datetime.fromisoformat(row["VSDTC"]).strftime(form.replace("%b", month))
        if told:
            study.protocol["feeds"]["vs"]["date_format"] = told

    return make


DATES: Mapping[str, Written] = {
    "in French": Written(_dated("%d-%b-%Y %H:%M", "juin", "DD-MMM-YYYY hh:mm"), "signal"),
    "in Italian": Written(_dated("%d %b %Y %H:%M", "giugno", "DD MMM YYYY hh:mm"), "signal"),
    "in German, not told": Written(
        _dated("%d%b%Y %H:%M", "JUNI"), "not_assessable", r"say\s+`date_format:\s+DDMMMYYYY"
    ),
    "cut off so that it may be June or July": Written(
        _dated("%d-%b-%Y %H:%M", "jui", "DD-MMM-YYYY hh:mm"), "not_assessable", r"month\s+no\s+language"
    ),
    "with a clock as one number": Written(_dated("%Y-%m-%d %H%M", "", "YYYY-MM-DD hhmm"), "signal"),
    "with a clock as one number, not told": Written(
        _dated("%Y-%m-%dT%H%M", ""), "not_assessable", r"YYYY-MM-DD\s+hhmm"
    ),
}


def _died(*, charted: bool = True, **said: str) -> Callable[[FourSubjects], None]:
    """Let the second subject die as DM says it; where it is not charted to the end, from hour 4 on nothing is."""

    def make(study: FourSubjects) -> None:
        for row in study.dm:
            row.update(dict.fromkeys(said, "") | (said if row["USUBJID"] == SECOND else {}))
        for row in study.rows(SECOND, hours=() if charted else range(4, 12)):
            study.vs.remove(row)

    return make


NAMED = r"DTHDTC\s+is\s+blank,\s+though\s+DTHFL"
DEATHS: Mapping[str, Written] = {
    "without a date": Written(_died(DTHFL="Y", DTHDTC=""), "no_signal", NAMED),
    "without the column of the date": Written(_died(DTHFL="Y"), "no_signal", NAMED),
    "without a date, the chart at an end": Written(_died(charted=False, DTHFL="yes"), "no_signal", NAMED),
    "with a date that cannot be read": Written(
        _died(DTHFL="Y", DTHDTC="end of June"),
        "no_signal",
        r"DTHDTC\s+is\s+a\s+text\s+that\s+cannot\s+be\s+read",
    ),
}

KINDS: Mapping[str, Mapping[str, Written]] = {
    "treatment": TREATMENTS,
    "FHIR R5": R5,
    "a code like no vital": CODES,
    "a date": DATES,
    "a death": DEATHS,
}
WRITTEN = {f"{kind}: {name}": one for kind, some in KINDS.items() for name, one in some.items()}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_plain_is_read_and_what_is_in_doubt_is_kept(name: str, tmp_path: Path) -> None:
    written, study = WRITTEN[name], FourSubjects()
    study.make_ill(FIRST)
    written.make(study)
    found = study.looked_at(tmp_path)
    assert found.verdict in written.right.split("|")
    blocked = found.verdict == "not_assessable"
    assert re.search(written.named, found.terminal if blocked else found.text())
