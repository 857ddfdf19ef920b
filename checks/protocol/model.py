"""The study protocol file as a frozen model: its sections, their keys, types and defaults."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator

from checks.fields import (
    Cron,
    Frozen,
    Name,
    NotEmpty,
    NotNegative,
    Pair,
    Positive,
    Rate,
    Section,
    Text,
    Whole,
    Zone,
)
from checks.problems import ProblemAt, refuse, refuse_all
from checks.protocol.case_definition import CaseDefinition
from checks.protocol.feeds import Feeds
from checks.protocol.limits import Limits
from checks.protocol.suite_files import SuiteFile
from checks.rules import AnyRule
from checks.rules.evidence import AssumedRate
from checks.rules.plan import per_subject, per_window


class Study(Section):
    """Which study this is; its id names folders. What is made of a simulated one says so on every page."""

    id: Name
    timezone: Zone
    title: Text | None = None
    registry_id: Text | None = None
    simulated: bool = False

    @model_validator(mode="before")
    @classmethod
    def _by_title(cls, given: object) -> object:
        """Take a study for simulated by its title where the file does not say, as files before this key do not."""
        if isinstance(given, Mapping) and "SIMULATED" in str(given.get("title", "")):
            return {"simulated": True, **given}
        return given


class Schedule(Section):
    """When looks are started, and how old the last one may become."""

    cron: Cron = "*/30 * * * *"
    max_look_age_hours: Positive = 2.0


class Treatment(Section):
    """Which administrations are study drug, and names in EXTRT that are surely none, though no name says so."""

    names: Annotated[tuple[Text, ...], NotEmpty]
    not_study_drug: tuple[Text, ...] = ()
    planned_doses: Whole | None = None
    active_arms: tuple[Text, ...] = ()


class Background(Section):
    """How often a case would be seen without the drug, and how sure that is."""

    rate: Rate
    unit: Literal["subject", "window"]
    rationale: Text
    source: Text
    range: tuple[Rate, Rate] | None = None

    @model_validator(mode="after")
    def _range_holds_rate(self) -> Self:
        low, high = self.range or (0.0, 1.0)
        found = f"{low:g} to {high:g}"
        if not low < high:
            refuse_all([ProblemAt(("range",), found, "an increasing range")])
        if not low <= self.rate <= high:
            refuse_all([ProblemAt(("range",), found, f"a range that contains the rate {self.rate:g}")])
        return self


class Multiplicity(Section):
    """How alpha is shared among the rules; sharing none needs a rationale."""

    familywise_alpha: Rate = 0.05
    method: Literal["bonferroni", "none"] = "bonferroni"
    rationale: Text | None = None

    @model_validator(mode="after")
    def _none_is_explained(self) -> Self:
        if self.method == "none" and self.rationale is None:
            refuse_all([ProblemAt(("rationale",), "nothing", "a rationale: method none needs one")])
        return self


class Watch(Section):
    """How near to its boundary a rule asks for attention."""

    cases_short_of_boundary: Annotated[int, Field(ge=0)] = 1


CHANNEL_FORMS = "env:NAME (the address is kept in that environment variable), file:DIR or console:"


def _channel(text: str) -> str:
    if not re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*|file:(?!.*://)\S.*|console:", text):
        raise refuse("a channel of another form (not repeated here: it may hold a password)", CHANNEL_FORMS)
    return text


class Route(Section):
    """Who is told of which verdicts, through which channels, and who follows when nobody answers."""

    role: Name
    verdicts: Annotated[tuple[Literal["watch", "signal", "not_assessable"], ...], NotEmpty]
    channels: Annotated[tuple[Annotated[str, AfterValidator(_channel)], ...], NotEmpty]
    ack_within_minutes: Positive | None = None
    escalate_to: Name | None = None
    brief: bool = False

    @model_validator(mode="after")
    def _escalates_in_time(self) -> Self:
        if self.escalate_to is not None and self.ack_within_minutes is None:
            found = f"escalate_to {self.escalate_to} without ack_within_minutes"
            refuse_all([ProblemAt(("escalate_to",), found, "both, or neither")])
        return self


class Alerts(Section):
    """How alerts are routed, and how often one is repeated."""

    repeat_hours: Positive = 24.0
    routes: tuple[Route, ...] = ()


def _schema(version: int) -> int:
    if version != 1:
        raise refuse(str(version), "1, the only schema this version reads")
    return version


def _length(given: object) -> object:
    """Take the pair of an earlier file, hours around the dose, for its length."""
    if not isinstance(given, list | tuple):
        return given
    try:
        start, end = map(float, given)
    except (TypeError, ValueError):
        return given  # no pair of numbers, and no number: refused as such
    if not start < end:
        raise refuse(f"[{start:g}, {end:g}]", "a start before the end")
    if end > 0:
        raise refuse(f"[{start:g}, {end:g}]", "an end at the dose (0) or before it")
    return end - start


Length = Annotated[Positive, BeforeValidator(_length, json_schema_input_type=Positive | Pair)]


class StudyProtocol(Section):
    """The study protocol file, whole; attributes have the names of the file's keys.

    Two differ: ``feeds.is_`` from ``is``, which Python reserves, and ``ends_``, from which a component's ``ends`` are
    made. ``baseline_hours`` are those before each measurement to which its relative criteria refer. Rows of EX within
    ``same_dose_within_hours`` are one administration, of ``max_administration_hours`` at most; ``hours_from`` its
    start or its end a dose's hours are counted. Reports of the last ``reporting_lag_hours`` are not complete yet.
    """

    schema_version: Annotated[int, AfterValidator(_schema)]
    study: Study
    sites: Annotated[Mapping[Text, Zone], NotEmpty, *Frozen]
    treatment: Treatment
    feeds: Feeds
    case_definition: CaseDefinition
    baseline_hours: Length = 12.0
    risk_window_hours: Pair
    control_windows_hours: Annotated[tuple[Pair, ...], NotEmpty]
    rules: Annotated[tuple[AnyRule, ...], NotEmpty]
    schedule: Schedule = Schedule()
    limits: Limits = Limits()
    same_dose_within_hours: NotNegative = 2.0
    max_administration_hours: Positive = 12.0
    hours_from: Literal["start", "end"] = "start"
    reporting_lag_hours: NotNegative = 24.0
    background: Background | None = None
    multiplicity: Multiplicity | None = None
    watch: Watch = Watch()
    alerts: Alerts = Alerts()

    _sha256: str = PrivateAttr(default="")
    _folder: Path = PrivateAttr(default=Path())
    _suites: tuple[SuiteFile, ...] = PrivateAttr(default=())
    _notes: tuple[str, ...] = PrivateAttr(default=())

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file's bytes, in hexadecimal; empty for a protocol that is not from a file.

        Where the study brings expectations of its own it covers these too (``suite_files.combined_sha256``).
        """
        return self._sha256

    @property
    def folder(self) -> Path:
        """The folder that holds the file, to which the paths of feeds are relative."""
        return self._folder

    @property
    def suites(self) -> tuple[SuiteFile, ...]:
        """The study's own expectations, a file for a feed."""
        return self._suites

    @property
    def notes(self) -> tuple[str, ...]:
        """What the file says that is read in another way than it seems, each with its file and line."""
        return self._notes

    @property
    def planned_subjects(self) -> int | None:
        """The most subjects that a rule plans for; None where none does."""
        planned = (rule.planned for rule in self.rules)
        return max((subjects for subjects, _ in filter(None, planned)), default=None)

    def assumed_rates(self) -> Mapping[str, AssumedRate]:
        """Return the background by unit, as declared and, over the planned doses, per the other unit."""
        declared, doses = self.background, self.treatment.planned_doses
        if declared is None:
            return {}
        assumed: dict[str, AssumedRate] = {declared.unit: AssumedRate(declared.rate, declared.range)}
        if doses is not None:
            unit, convert = ("subject", per_subject) if declared.unit == "window" else ("window", per_window)
            spread = declared.range and (convert(declared.range[0], doses), convert(declared.range[1], doses))
            assumed[unit] = AssumedRate(convert(declared.rate, doses), spread)
        return assumed

    def read_from(
        self,
        folder: Path,
        sha256: str,
        suites: tuple[SuiteFile, ...] | None = None,
        notes: tuple[str, ...] | None = None,
    ) -> Self:
        """Return this protocol, with the folder, the hash, the expectations and the notes that it was read with."""
        copy = self.model_copy()
        copy._folder, copy._sha256 = folder, sha256
        copy._suites = self._suites if suites is None else suites
        copy._notes = self._notes if notes is None else notes
        return copy
