"""look.json as a document: what it says, key by key, for those who read it and those who make it."""

from typing import Annotated, Final, NotRequired

from pydantic import WithJsonSchema
from typing_extensions import TypedDict

from checks.recorded import DeliveryPart, HeadPart, SignalPart

Pair = list[float]
"""Two numbers: the ends of an interval, or the limits of an estimate."""

Answer = Annotated[str, WithJsonSchema({"enum": ["no_signal", "watch", "signal", "not_assessable"]})]
"""A look's answer: a value of ``checks.signals.Verdict``, whose module would load data frames here."""

RuleAnswer = Annotated[str, WithJsonSchema({"enum": ["crossed", "not_crossed", "not_evaluable"]})]
"""A rule's answer: a value of ``checks.rules.RuleVerdict``."""


class ExpectationsPart(TypedDict):
    """One file of the study's own expectations."""

    file: str
    sha256: str


class OwnExpectations(TypedDict):
    """The study's own expectations; left out for a study without any."""

    expectations: NotRequired[list[ExpectationsPart]]


class UnusedPart(TypedDict):
    """So many rows of a feed that nothing uses, for one reason; by test code, with the vital nearest to it."""

    reason: str
    code: str | None
    rows: int
    nearest: str | None


class FeedPart(TypedDict):
    """What a look says of one feed."""

    domain: str
    sha256: list[str]
    rows_read: int
    rows_accepted: int
    rows_quarantined: int
    rows_superseded: int
    rows_not_yet_known: int
    outcome: str
    received: str | None
    latest: str | None
    stale: bool
    within_limit: bool
    problems: list[str]
    unused: NotRequired[list[UnusedPart]]
    """Left out by versions before this was counted."""


class ExposurePart(TypedDict):
    """Doses, and the fates of their risk windows."""

    subjects_dosed: int
    doses: int
    windows_evaluable: int
    windows_open: int
    windows_unobserved: int
    windows_under_observed: int
    """Observed for less than half, with a case: neither evaluable nor unobserved."""
    doses_quarantined: int
    doses_interrupted: NotRequired[int]
    """Doses that stopped and were resumed; hours run from the first start, or as the protocol says."""


class ChartingPart(TypedDict):
    """How one test of a component is charted, at one site or (None) at all: see ``checks.cases.charting``."""

    component: str
    test: str
    SITEID: str | None
    intervals: int
    low_hours: float
    median_hours: float
    high_hours: float
    windows: int
    observed: int
    fresh_hours: float
    sufficient_hours: float | None


class ComponentPart(TypedDict):
    """One component of a case, in hours since its dose.

    ``test`` is the one that showed it; None of a report alone, and of tests together.
    """

    onset_hours: Pair
    certainty: str
    test: str | None
    evidence: list[str]
    query: bool


class OtherDosePart(TypedDict):
    """Another dose in the two days before a case, with the hours since it."""

    dose_number: int
    hour: float


class CasePart(TypedDict):
    """One case, in hours since its dose.

    ``why`` says of each component why it counts as begun: new, worse, lone, back, unseen, room_air, reported,
    untimed, or half of one that was present before, ``since`` an hour. What is ``provisional`` is settled by
    a moment.
    """

    USUBJID: str
    dose_number: int
    dose_start: str
    certainty: str
    in_risk_window: str
    surely: bool
    hour: float | None
    onset_hours: Pair
    components: dict[str, ComponentPart]
    why: dict[str, str]
    since: dict[str, float]
    provisional: bool
    settled_by: str | None
    other_doses: list[OtherDosePart]
    grade: str | None
    interruptions: NotRequired[str]
    """When its dose stopped and was resumed, in hours since its first start; empty where it was not."""


class PathPart(TypedDict):
    """A rate rule's events and its boundary over the number counted; None where no number of events crosses."""

    n: list[int]
    events: list[int]
    boundary: list[float | None]


class RateBackgroundPart(TypedDict):
    """What a rate rule answers against one background."""

    background: str
    rate: float
    p_value: float | None
    posterior_above: float


class ChartPart(TypedDict):
    """The measurements of one test around a dose, at hours since its start."""

    test: str
    unit: str
    hours: list[float]
    values: list[float]


class RestsOnPart(TypedDict):
    """A dose on which a severity rule rests: the scores of its blocks by the hour at which each begins.

    The first is the risk window, whose score is ``score``; None where a block has none.
    """

    USUBJID: str
    dose_number: int
    dose_start: str
    score: float
    hours: list[float]
    scores: list[float | None]
    charts: list[ChartPart]


class ParticipantScoresPart(TypedDict):
    """The severity scores of one participant's blocks of hours: risk windows, and all others."""

    USUBJID: str
    risk: list[float]
    control: list[float]


class RuleDetail(TypedDict, total=False):
    """What is told beside a rule's answer wherever it is shown; each kind and method has more of its own."""

    boundary_is: str
    reason: str | None
    unit: str
    window_hours: Pair
    path: PathPart
    backgrounds: list[RateBackgroundPart]
    p_best: float | None
    p_worst: float | None
    charting: str
    floor: float
    order: int
    blocks: int
    blocks_scored: int
    rests_on: list[RestsOnPart]
    participants: list[ParticipantScoresPart]


ANY_DETAIL: Final = {"additionalProperties": True, "title": "Detail", "type": "object"}
"""The JSON Schema of a rule's detail: what it has depends on its kind and method."""


class RulePart(TypedDict):
    """What one rule answers; what is in ``detail`` depends on its kind and method.

    Timing rules alone say how many of their events could tell anything, how small a p-value these could give, and the
    largest gamma at which the rule would still cross.
    """

    id: str
    kind: str
    method: str | None
    verdict: RuleAnswer
    best_case: RuleAnswer
    worst_case: RuleAnswer
    events: int
    n_evaluable: float | None
    boundary: float | None
    statistic: float | None
    p_value: float | None
    informative_events: int | None
    smallest_attainable_p: float | None
    gamma_tipping: float | None
    detail: Annotated[RuleDetail, WithJsonSchema(ANY_DETAIL)]


class ScanPart(TypedDict):
    """The window that a scan found after the events; None where it found none."""

    window_hours: Pair | None
    p_value: float


class TimingPart(TypedDict):
    """Risk hours compared with control hours, whatever the rules are."""

    risk_window_hours: Pair
    events_in_risk: int
    events_in_control: int
    hours_in_risk: float
    hours_in_control: float
    opportunity_in_risk: float
    opportunity_in_control: float
    relative_incidence: float | None
    ci95: list[float | None]
    ci95_sides: int
    p_value: float | None
    p_best: float | None
    p_worst: float | None
    adjusted: bool
    scan: ScanPart | None


class EstimatePart(TypedDict):
    """A probability with its exact 95 % limits."""

    estimate: float
    ci95: Pair


class AssumedRatePart(TypedDict):
    """The background that the protocol assumes, for one unit."""

    rate: float
    range: Pair | None


class AssumedPart(TypedDict):
    """The background as the protocol declares it, and for each unit that it can be said of."""

    rate: float
    unit: str
    range: Pair | None
    per_window: NotRequired[AssumedRatePart]
    per_subject: NotRequired[AssumedRatePart]


class BackgroundPart(TypedDict):
    """How often the composite begins without the drug."""

    events: int
    hours: float
    per_window: EstimatePart | None
    per_subject: EstimatePart | None
    assumed: AssumedPart | None


class CheckPart(TypedDict):
    """What one check says of one feed, and in which file and rows; no place where it is not told."""

    domain: str
    name: str
    category: str
    severity: str
    outcome: str
    numerator: int
    denominator: int
    message: str
    place: NotRequired[str]
    """Left out by versions before it was told apart."""


class QuarantinePart(TypedDict):
    """How many rows of a domain one check withheld."""

    domain: str
    check: str
    rows: int
    message: str


class ChangePart(TypedDict):
    """How many values or records of a domain later deliveries changed, in one way."""

    domain: str
    kind: str
    number: int


class RepairPart(TypedDict):
    """So many rows of one feed, of participants whose cases are in doubt, and the check that they failed."""

    domain: str
    check: str
    rows: int


class Unanswered(TypedDict):
    """What is told of a look that gives no answer, or one by what is in doubt; left out where there is none."""

    repairs: NotRequired[list[RepairPart]]
    """What is in doubt where that alone makes a look a watch: a feed each, that with most rows first."""

    watch_beneath: NotRequired[list[str]]
    """The rules that would make a look that is not assessable a watch."""
    observation: NotRequired[list[ChartingPart]]
    """How the tests are charted, where too little was observed to say "no signal"."""


class LookDocument(OwnExpectations, Unanswered):
    """look.json; what is not required is added once a look is recorded, and its alerts sent.

    ``standing`` is the louder of the verdict and the signals that are open: all that is told follows it.
    """

    schema: str
    study: str
    data_cutoff: str
    verdict: Answer
    protocol_sha256: str
    code_version: str
    look_id: str
    blinded: bool
    simulated: bool
    feeds: list[FeedPart]
    exposure: ExposurePart
    cases: list[CasePart]
    rules: list[RulePart]
    timing: TimingPart
    background: BackgroundPart
    checks: list[CheckPart]
    quarantine: list[QuarantinePart]
    changes: list[ChangePart]
    caveats: list[str]
    cannot_show: NotRequired[list[str]]
    """What no look at such feeds can show, whatever is corrected. Left out by versions before this was told apart."""
    standing: NotRequired[Answer]
    signals: NotRequired[list[SignalPart]]
    ledger: NotRequired[HeadPart | None]
    delivery: NotRequired[DeliveryPart]
