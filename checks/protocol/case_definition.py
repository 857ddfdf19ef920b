"""The case definition of a study protocol: its components, their criteria, and how long measurements speak."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from checks.criteria import Criterion, Measured, TermsCriterion
from checks.fields import Frozen, Name, NotEmpty, NotNegative, Positive, ReadOnly, Section, Text
from checks.measurements import VITAL_HOURS, VITALS, HoursOfTest, Worse, hours_of
from checks.problems import ProblemAt, one_of, refuse_all, require_one, shown
from checks.terms import folded

Test = tuple[str, str]
"""Domain and code of a test."""

TEMPERATURE: Test = ("VS", "TEMP")
"""Fever is temperature; of no other component is it sure that its one test is the thing itself, as with dyspnoea."""


class Component(Section):
    """One part of the case definition: any, or all, of its criteria.

    ``ends`` names the tests that are the thing itself (TEMP for fever): once normal again, they end an adverse event
    of the component whose end was left blank. Without it that is temperature, where it is measured alone.
    """

    any_of: Annotated[tuple[Criterion, ...], NotEmpty] | None = None
    all_of: Annotated[tuple[Criterion, ...], NotEmpty] | None = None
    ends_: tuple[Text, ...] | None = Field(default=None, alias="ends")

    @model_validator(mode="after")
    def _has_one_list(self) -> Self:
        require_one("any_of", self.any_of, "all_of", self.all_of)
        refuse_all([*self._terms_findings(), *self._ends_findings()])
        return self

    def _terms_findings(self) -> Iterator[ProblemAt]:
        for place, criterion in enumerate(self.all_of or ()):
            if isinstance(criterion, TermsCriterion):
                allowed = "measurements: that an event was absent is never measured"
                yield ProblemAt(("all_of", place), "terms", allowed)

    def _ends_findings(self) -> Iterator[ProblemAt]:
        for place, code in enumerate(self.ends_ or ()):
            yield from _unnamed(("ends", place), code, self.tests, "criterion of the component")

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """The criteria of whichever list is given."""
        return self.any_of or self.all_of or ()

    @property
    def measured(self) -> tuple[Measured, ...]:
        """Those of the criteria that compare measurements."""
        return tuple(one for one in self.criteria if isinstance(one, Measured))

    @property
    def tests(self) -> tuple[Test, ...]:
        """Each test that a criterion names, in their order."""
        return tuple(dict.fromkeys(one.test for one in self.measured))

    @property
    def ends(self) -> tuple[Test, ...]:
        """The tests that are the thing itself: those that the file names, else temperature measured alone."""
        if self.ends_ is None:
            return self.tests if self.tests == (TEMPERATURE,) else ()
        return tuple(test for test in self.tests if test[1] in self.ends_)

    @property
    def terms(self) -> frozenset[str]:
        """The terms of adverse events that show the component, as they are compared."""
        return frozenset(
            folded(term) for one in self.criteria if isinstance(one, TermsCriterion) for term in one.terms
        )


def _unnamed(place: tuple[str | int, ...], code: str, tests: Iterable[Test], by: str) -> Iterator[ProblemAt]:
    """Require of a key for a test that a criterion names the test: otherwise nothing would read the key."""
    codes = tuple(dict.fromkeys(one for _, one in tests))
    if code not in codes:
        allowed = one_of(codes, code) if codes else f"leave it out: no {by} names such a test"
        yield ProblemAt(place, shown(code), allowed)


def _by_alone(given: object) -> object:
    return given if isinstance(given, Mapping | Worse) else {"by": given}


WorseBy = Annotated[Worse, BeforeValidator(_by_alone, json_schema_input_type=Positive | Worse)]
"""A number alone, or with the share that is asked for besides."""


class CaseDefinition(Section):
    """What a case is: components newly present, or worse, within a few hours of each other.

    ``confirm_hours`` and ``again_hours`` are those of vital signs; laboratory tests have those of the catalogue.
    ``fresh_hours`` and ``worse_by``, in the canonical unit of the test, hold for the tests that they name; the others
    have those of the catalogue.
    """

    name: Name
    components: Annotated[Mapping[Name, Component], NotEmpty, *Frozen]
    onsets_within_hours: NotNegative = 3.0
    washout_hours: NotNegative = 6.0
    confirm_hours: NotNegative = VITAL_HOURS.confirm
    again_hours: NotNegative = VITAL_HOURS.again
    fresh_hours: Annotated[Mapping[Text, Positive], *Frozen] = ReadOnly({})
    worse_by: Annotated[Mapping[Text, WorseBy], *Frozen] = ReadOnly({})

    @model_validator(mode="after")
    def _is_of_its_tests(self) -> Self:
        refuse_all([*self._fresh_findings(), *self._worse_findings()])
        return self

    def _fresh_findings(self) -> Iterator[ProblemAt]:
        for code in self.fresh_hours:
            yield from _unnamed(("fresh_hours", code), code, sorted(self.tests), "criterion")

    def _worse_findings(self) -> Iterator[ProblemAt]:
        vitals = [test for test in sorted(self.tests) if test[0] == "VS"]
        for code, worse in self.worse_by.items():
            yield from _unnamed(("worse_by", code), code, vitals, "criterion of a vital sign")
            lowest, highest = VITALS[code].plausible if ("VS", code) in vitals else (0.0, worse.by)
            if worse.by > highest - lowest:
                unit = VITALS[code].units[0].name
                allowed = f"at most {highest - lowest:g} {unit}, by which {code} can change"
                yield ProblemAt(("worse_by", code), f"{worse.by:g}", allowed)

    @property
    def tests(self) -> frozenset[Test]:
        """Domain and code of each test that a criterion names."""
        return frozenset(test for component in self.components.values() for test in component.tests)

    def hours_of(self, test: Test) -> HoursOfTest:
        """Return the hours of a test, the study's own where it has them."""
        domain, code = test
        hours = hours_of(test)
        if domain == "VS":
            hours = replace(hours, confirm=self.confirm_hours, again=self.again_hours)
        return replace(hours, fresh=self.fresh_hours.get(code, hours.fresh))

    def worse(self, test: Test) -> Worse | None:
        """Return by how much a test must be worse; None where the test has no worse onset."""
        domain, code = test
        return self.worse_by.get(code, VITALS[code].worse_by) if domain == "VS" else None
