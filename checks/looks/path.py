"""One look: the path from the feeds to the verdict, stage by stage, and all that it found on the way."""

import hashlib
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final, ParamSpec, Protocol, TypeVar

import pandas as pd
from pandas.api.types import infer_dtype, is_string_dtype

from checks.blinding import blind_deliveries
from checks.cases import (
    Case,
    Charts,
    Findings,
    deaths,
    divide_by_subject,
    find_in_part,
    gather_evidence,
    put_together,
)
from checks.errors import UsageError
from checks.knowledge import Deliveries, Knowledge
from checks.looks.build import build_document
from checks.looks.document import LookDocument
from checks.looks.grounds import grounds_of
from checks.looks.shown_changes import shown_changes
from checks.protocol import StudyProtocol
from checks.rules import Evidence, RuleResult
from checks.signals import (
    Signal,
    Verdict,
    decide_verdict,
    evaluate_rules,
    too_little_observed,
    update_signals,
)
from checks.stamps import stamp
from checks.tables import CHANGES, RAW_PROVENANCE, DeliveredTable, Delivery
from checks.validation import FeedOutcome, Validation, validate_feeds

P = ParamSpec("P")
R = TypeVar("R")
Part = TypeVar("Part")

Feeds = Mapping[str, pd.DataFrame | Sequence[DeliveredTable]]
"""By lower-case domain: the deliveries as their readers made them, or one frame of text columns as delivered."""


class Stage(Protocol):
    """Wraps what one stage of a look does; ``name`` is the stage's, for whoever watches."""

    def __call__(self, name: str, work: Callable[P, R], /) -> Callable[P, R]:
        """Return what does the same work."""


class Engine(Protocol):
    """Computes the parts of a stage somewhere; ``most_parts`` is into how many it is worth dividing one."""

    @property
    def most_parts(self) -> int:
        """Return the largest number of parts that this engine works on with profit."""

    def compute(self, stage: str, work: Callable[[Part], R], parts: Sequence[Part]) -> tuple[R, ...]:
        """Return what the work makes of each part, in their order.

        Parameters
        ----------
        stage
            What whoever watches calls it; never anything of a subject.
        work
            A pure function that can be sent to another process: a part whose worker is lost is computed again.
        parts
            What it is done on.
        """


def unwatched(name: str, work: Callable[P, R], /) -> Callable[P, R]:
    """Return the work of a stage as it is."""
    return work


@dataclass(frozen=True, slots=True, repr=False)
class Look:
    """Everything one look found; nothing in it tells the arm.

    ``rules`` are the answers in the order of the protocol. ``changes`` is the table CHANGES, empty where the feeds
    were read as found. ``too_little`` says why "no signal" may not be said; None where enough was observed.
    """

    protocol: StudyProtocol
    data_cutoff: datetime
    validation: Validation
    findings: Findings
    evidence: Evidence
    rules: tuple[RuleResult, ...]
    verdict: Verdict
    changes: pd.DataFrame = field(default_factory=CHANGES.empty)
    too_little: str | None = None

    @property
    def cases(self) -> tuple[Case, ...]:
        """The cases, each with its hours since dose."""
        return self.findings.cases

    @property
    def doses(self) -> pd.DataFrame:
        """The table DOSES: one row a dose, with the fate of its risk window."""
        return self.findings.doses

    @property
    def feeds(self) -> tuple[FeedOutcome, ...]:
        """Whether each feed could be used, and how far."""
        return self.validation.feeds

    @property
    def quarantine(self) -> pd.DataFrame:
        """The table QUARANTINE: one row for each reason that a row was withheld."""
        return self.validation.quarantine

    def document(self) -> LookDocument:
        """Return look.json without what the ledger adds: the same bytes for the same inputs."""
        return build_document(self)

    def signals(self, previous: Sequence[Signal]) -> tuple[Signal, ...]:
        """Return what became of the signals of the look before, and those that are new."""
        return update_signals(previous, self.rules, self.protocol.study.id, grounds_of(self))

    def __repr__(self) -> str:
        inside = sum(case.in_risk_window == "yes" for case in self.cases)
        crossed = ", ".join(rule.id for rule in self.rules if rule.verdict == "crossed") or "none"
        return (
            f"<Look at {self.protocol.study.id}, data cut-off {stamp(self.data_cutoff)}: {self.verdict}; "
            f"cases {len(self.cases)}, in the risk window {inside}; rules crossed: {crossed}>"
        )

    def _repr_html_(self) -> str:
        cells = [(rule.id, rule.verdict, rule.best_case, rule.worst_case, rule.events) for rule in self.rules]
        rows = "".join(
            f"<tr>{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in row)}</tr>" for row in cells
        )
        heads = "".join(
            f"<th>{head}</th>" for head in ("rule", "verdict", "best case", "worst case", "events")
        )
        return f"<p>{html.escape(repr(self)[1:-1])}</p><table><tr>{heads}</tr>{rows}</table>"


def look(
    feeds: Feeds,
    protocol: StudyProtocol,
    *,
    data_cutoff: datetime,
    stage: Stage = unwatched,
    engine: Engine | None = None,
) -> Look:
    """Look at a study: feeds in, verdict and all that led to it out. Nothing is read, written, sent or remembered.

    Parameters
    ----------
    feeds
        By lower-case domain: the deliveries as their readers made them, or one frame of SDTM columns as delivered,
        all of them text. A feed that the protocol names and that is not here was not delivered.
    protocol
        The study protocol.
    data_cutoff
        The only "now", with an offset from UTC: nothing that became known later has a part in the look.
    stage
        Wraps each named stage, for whoever watches them or runs them elsewhere; it must change nothing.
    engine
        Computes the search for cases in parts, by subject; without it, it is one part and a stage like others.

    Raises
    ------
    UsageError
        When the cut-off has no offset, a feed is not of the protocol, or a frame's columns are not text.

    Examples
    --------
    A subject whose fever and desaturation begin between five and six hours after a dose:

    >>> from datetime import UTC, datetime
    >>> import pandas as pd
    >>> from checks import load_protocol, look
    >>> ill = {14: ("39.1", "86"), 15: ("39.0", "87")}
    >>> charted = [
    ...     ("S1", f"2026-03-02T{hour:02}:00", test, value, unit)
    ...     for hour in range(2, 18)
    ...     for test, value, unit in zip(("TEMP", "OXYSAT"), ill.get(hour, ("36.9", "97")), ("C", "%"))
    ... ]
    >>> feeds = {
    ...     "dm": pd.DataFrame({"USUBJID": ["S1"], "SITEID": ["FR01"]}),
    ...     "ex": pd.DataFrame({"USUBJID": ["S1"], "EXTRT": ["CYT107"], "EXSTDTC": ["2026-03-02T08:00"]}),
    ...     "vs": pd.DataFrame(charted, columns=["USUBJID", "VSDTC", "VSTESTCD", "VSORRES", "VSORRESU"]),
    ...     "ae": pd.DataFrame({"USUBJID": ["S1"], "AETERM": ["Headache"], "AESTDTC": ["2026-03-02T10:00"]}),
    ... }
    >>> protocol = load_protocol("deployments/studies/CYT107-IV/protocol.yaml")
    >>> found = look(feeds, protocol, data_cutoff=datetime(2026, 3, 3, tzinfo=UTC))
    >>> str(found.verdict)
    'no_signal'
    >>> [(case.USUBJID, case.dose_number, case.hour, case.in_risk_window) for case in found.cases]
    [('S1', 1, 5.5, 'yes')]
    """
    known = stage("find what was known", _known)(feeds, protocol, data_cutoff)
    return look_at(known, protocol, data_cutoff=data_cutoff, stage=stage, engine=engine)


def make_ready(feeds: Feeds, protocol: StudyProtocol) -> Deliveries:
    """Return the deliveries of a study without what tells the arm, ready for looks at any number of cut-offs.

    Parameters and errors are those of ``look``.
    """
    if not isinstance(protocol, StudyProtocol):
        raise UsageError(f"protocol: found {type(protocol).__name__}; allowed: what `load_protocol` returns")
    if not isinstance(feeds, Mapping):
        raise UsageError(
            f"feeds: found {type(feeds).__name__}; allowed: a frame for each domain, by its name"
        )
    arrived = {}
    for domain, feed in feeds.items():
        _require_feed(domain, feed, protocol)
        some = delivered_frame(domain, feed) if isinstance(feed, pd.DataFrame) else feed
        told = protocol.treatment
        arrived[domain] = blind_deliveries(domain, some, told.names, told.not_study_drug)
    return Deliveries(arrived, protocol)


def delivered_frame(domain: str, frame: pd.DataFrame) -> tuple[DeliveredTable]:
    """Return a frame as one delivery that was there from the beginning; its hash is that of its rows as CSV.

    Parameters
    ----------
    domain
        In lower case, as the protocol names its feeds.
    frame
        SDTM columns, all of them text as delivered; what is blank or missing is missing.

    Raises
    ------
    UsageError
        When a column is not text, or not named once.
    """
    named = frame.rename(columns=lambda name: str(name).strip().upper())
    if not named.columns.is_unique:
        twice = sorted(named.columns[named.columns.duplicated()])
        raise UsageError(f"{domain}: found the column {twice[0]} more than once; allowed: each name once")
    texts = {name: _text(domain, named[name]) for name in named.columns}
    table = pd.DataFrame(texts, index=pd.RangeIndex(len(frame)))
    table["source_file"], table["source_row"] = domain, range(1, len(table) + 1)
    content = frame.to_csv(index=False, lineterminator="\n").encode()
    delivery = Delivery(domain, hashlib.sha256(content).hexdigest(), len(table))
    return (DeliveredTable(delivery, table.astype(dict(RAW_PROVENANCE))),)


def _text(domain: str, column: "pd.Series[str]") -> "pd.Series[str]":
    """Return a column trimmed, blanks missing; a number would have lost how it was written."""
    is_text = is_string_dtype(column) or infer_dtype(column, skipna=True) == "string"  # objects, some missing
    if not is_text and not column.isna().all():
        raise UsageError(
            f"{domain}: found {column.name} as {column.dtype}; allowed: text as delivered (read it with dtype=str)"
        )
    trimmed = column.astype("str").str.strip().reset_index(drop=True)
    return trimmed.mask(trimmed == "")


def _require_feed(domain: str, feed: object, protocol: StudyProtocol) -> None:
    allowed = [name.lower() for name in protocol.feeds.by_domain()]
    if domain not in allowed:
        raise UsageError(f"feeds: found {domain!r}; allowed: a feed of the protocol ({', '.join(allowed)})")
    delivered = isinstance(feed, Sequence) and all(isinstance(one, DeliveredTable) for one in feed)
    if not isinstance(feed, pd.DataFrame) and not delivered:
        raise UsageError(f"feeds: found {domain} as {type(feed).__name__}; allowed: a data frame of text")


def _known(feeds: Feeds, protocol: StudyProtocol, data_cutoff: datetime) -> Knowledge:
    return make_ready(feeds, protocol).known_at(data_cutoff)


def look_at(
    known: Knowledge,
    protocol: StudyProtocol,
    *,
    data_cutoff: datetime,
    stage: Stage = unwatched,
    engine: Engine | None = None,
) -> Look:
    """Look at what was known of a study at a data cut-off; the other parameters are those of ``look``."""
    validation = stage("validate feeds", validate_feeds)(known.feeds, protocol, data_cutoff)
    findings = findings_of(validation, protocol, data_cutoff=data_cutoff, stage=stage, engine=engine)
    evidence, rules = stage("evaluate rules", _evaluate)(findings, validation, protocol)
    too_little = too_little_observed(evidence, protocol)
    verdict = decide_verdict(rules, validation.feeds, protocol, too_little=too_little)
    changes = shown_changes(known.changes, protocol, validation.subjects["USUBJID"])
    return Look(protocol, data_cutoff, validation, findings, evidence, rules, verdict, changes, too_little)


FIND_CASES: Final = "find cases"


def findings_of(
    validation: Validation,
    protocol: StudyProtocol,
    *,
    data_cutoff: datetime,
    stage: Stage = unwatched,
    engine: Engine | None = None,
) -> Findings:
    """Return what the case definition finds in validated tables, wherever the parts are computed."""
    known = validation.subjects.set_index("USUBJID").index
    died = deaths(validation.subjects, validation.adverse_events, validation.measurements, data_cutoff)
    charts = Charts(validation.measurements, validation.adverse_events, known, died)
    parts = divide_by_subject(validation.administrations, charts, 1 if engine is None else engine.most_parts)
    find = partial(find_in_part, protocol=protocol, data_cutoff=data_cutoff)
    if engine is None:
        return put_together([stage(FIND_CASES, find)(part) for part in parts])
    return put_together(engine.compute(FIND_CASES, find, parts))


def evidence_of(findings: Findings, validation: Validation, protocol: StudyProtocol) -> Evidence:
    """Return what the rules may see of what was found."""
    zones = dict(zip(validation.subjects["USUBJID"], validation.subjects["timezone"], strict=True))
    return gather_evidence(
        findings, validation.measurements, protocol, unplaced=validation.unplaced, zones=zones
    )


def _evaluate(
    findings: Findings, validation: Validation, protocol: StudyProtocol
) -> tuple[Evidence, tuple[RuleResult, ...]]:
    evidence = evidence_of(findings, validation, protocol)
    return evidence, evaluate_rules(evidence, protocol)
