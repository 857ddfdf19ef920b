"""What of a look the Prefect page shows: what the blinded report says, in short.

An artifact is a courtesy: one that cannot be kept is logged, and the look goes on.
"""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextvars import copy_context
from datetime import datetime
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Final
from uuid import UUID

from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.context import FlowRunContext

from checks.errors import DeliveryError
from checks.looks.document import CasePart, LookDocument, RulePart
from checks.protocol import StudyProtocol
from checks.stamps import stamp
from flows.heartbeat import feed_faults
from flows.inert import inert_line
from flows.pages.cases import CaseWords, dose_notes
from flows.pages.kit.verdicts import verdict_words
from flows.pages.kit.words import plural, spoken, utc_text
from flows.pages.sentences import beneath, fault_sentences, repairs, standing_of
from flows.threads import apart

LOGGER = logging.getLogger("postdose")

MOST_CASES: Final = 50
"""A table that a person reads on a page; the report has them all."""

WORDS: Final = {
    "validate feeds": "validating the feeds",
    "find cases": "finding cases",
    "evaluate rules": "evaluating the rules",
}
"""What the page says while a stage lasts."""

LONGEST_SHOWN: Final = 30.0
"""Seconds that a look waits, at its end, for its page: a busy server on SQLite answers within some of them."""

WINDOW: Final = ("yes", "possible", "no")
"""The order of the cases: those that the rules count come first."""


class Progress:
    """Shows on the run's page how far a look of so many stages is, beside the look, which never waits for it.

    Where there is no run there is no page.
    """

    def __init__(self, study: str, stages: int) -> None:
        self._stages, self._done = stages, 0
        self._artifact: UUID | None = None
        self._problem: str | None = None
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: Future[None] | None = None
        if FlowRunContext.get() is not None:
            self._thread = apart(partial(copy_context().run, self._do_in_turn))
        self._jobs.put(partial(self._begin, f"progress-{slug(study)}"))

    def begins(self, stage: str) -> None:
        """Say that one of the look's stages begins, if it is one that takes time."""
        if stage in WORDS:
            self.reached(WORDS[stage])

    def reached(self, stage: str) -> None:
        """Say that the stage before is done, and this one begun."""
        self._done += 1
        share = min(100.0, 100.0 * self._done / self._stages)
        self._jobs.put(partial(self._reach, share, stage))

    def ends(self, last: Callable[[], None]) -> None:
        """Do what is left and, last, this.

        Raises
        ------
        DeliveryError
            When the page does not show it all, or does not within ``LONGEST_SHOWN``.
        """
        self._jobs.put(last)
        self._jobs.put(None)
        if FlowRunContext.get() is None:
            return
        if self._thread is None:
            raise DeliveryError("no thread could be had")
        wait([self._thread], timeout=LONGEST_SHOWN)
        if not self._thread.done():
            raise DeliveryError(f"no answer within {LONGEST_SHOWN:g} s")
        if self._problem is not None:
            raise DeliveryError(self._problem)

    def _begin(self, key: str) -> None:
        made = create_progress_artifact(0.0, key=key, description="reading the feeds")
        self._artifact = (
            made if isinstance(made, UUID) else None
        )  # in a thread without a loop it is always one

    def _reach(self, share: float, stage: str) -> None:
        if self._artifact is not None:
            update_progress_artifact(self._artifact, share, description=stage)

    def _do_in_turn(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._problem is None:  # a server that failed once is not asked again by this look
                self._try(job)

    def _try(self, job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:  # the page is never worth a look, whatever Prefect met
            self._problem = f"not kept ({type(error).__name__})"


def show_look(protocol: StudyProtocol, document: LookDocument, report: Path) -> None:
    """Keep a look's verdict, rules and cases as the artifact ``look-<study>``, whose versions are its history."""
    text = look_markdown(document, protocol, report)
    said = f"{spoken(standing_of(document))}, data cut-off {utc_text(document['data_cutoff'])}"
    create_markdown_artifact(text, key=f"look-{slug(protocol.study.id)}", description=said)


def show_night(
    protocol: StudyProtocol, problems: Sequence[str], ailments: Sequence[str], *, looks: int, now: datetime
) -> None:
    """Keep what the nightly check found as the artifact ``nightly-<study>``.

    ``problems`` say why the record does not hold, ``ailments`` what else ails the monitor; ``looks`` were made again.
    """
    lines = [f"# {protocol.study.id}: {'the record does not hold' if problems else 'the record holds'}", ""]
    lines += [f"{plural(looks, 'look')} made again from the deliveries kept.", ""]
    lines += [f"- {markdown_text(problem)}" for problem in problems]
    if ailments:
        lines += [
            "",
            "## Alerted in its own time",
            "",
            *(f"- {markdown_text(ailment)}" for ailment in ailments),
        ]
    said = f"{plural(len(problems), 'problem')}, {utc_text(stamp(now))}"
    text, key = "\n".join(lines), f"nightly-{slug(protocol.study.id)}"
    try:
        create_markdown_artifact(text, key=key, description=said)
    except Exception as error:  # the page is never worth a night's record, whatever Prefect met
        LOGGER.error("An artifact could not be kept (%s)", type(error).__name__)


def slug(study: str) -> str:
    """Return a study's id as a key of an artifact may be: lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", study.lower()).strip("-") or "study"


def look_markdown(document: LookDocument, protocol: StudyProtocol, report: Path) -> str:
    """Return what look.json says, in Markdown: verdict, rules, cases by pseudonym, and where the report lies."""
    cases = _cases(document["cases"], CaseWords(protocol))
    return "\n".join([*_head(document), *_rules(document["rules"]), *cases, *_foot(document, report)])


def _head(document: LookDocument) -> Iterator[str]:
    standing = standing_of(document)
    yield f"# {document['study']}: {spoken(standing)}"
    yield ""
    yield verdict_words(standing, beneath(document), repairs(document)).headline
    yield ""
    if document["simulated"]:
        yield "**SIMULATED: no real subject.**"
        yield ""
    exposure = document["exposure"]
    windows = (
        f"{exposure['windows_evaluable']} evaluable, {exposure['windows_open']} open, "
        f"{exposure['windows_unobserved']} unobserved"
    )
    yield f"Data cut-off {utc_text(document['data_cutoff'])}. Risk windows: {windows}."
    yield ""
    at_fault = feed_faults(document["feeds"])
    for feed in document["feeds"]:
        if feed["domain"] in at_fault:
            said = " ".join(fault_sentences(document, feed["domain"])).removeprefix(f"{feed['domain']}: ")
            yield f"- Feed {feed['domain']}: {markdown_text(said or 'stale or beyond its limit')}"
    yield ""


def _rules(rules: Sequence[RulePart]) -> Iterator[str]:
    yield "## Rules"
    yield ""
    rows = []
    for rule in rules:
        verdicts = (spoken(rule[name] or "") for name in ("verdict", "best_case", "worst_case"))
        numbers = ("" if rule[name] is None else f"{rule[name]:g}" for name in ("events", "boundary"))
        rows.append((spoken(rule["id"]), *verdicts, *numbers))
    yield from _table(("rule", "verdict", "at best", "at worst", "events", "boundary"), rows)
    yield ""


def _cases(cases: Sequence[CasePart], words: CaseWords) -> Iterator[str]:
    yield "## Cases"
    yield ""
    if not cases:
        yield "None."
        return
    rows = []
    for case in sorted(cases, key=lambda case: WINDOW.index(case["in_risk_window"]))[:MOST_CASES]:
        hour = "not known" if case["hour"] is None else f"{case['hour']:.2f}"
        why = "; ".join(one for one in (words.why(case), dose_notes(case)) if one)
        said = (str(case["dose_number"]), hour, case["certainty"], case["in_risk_window"], why)
        rows.append((case["USUBJID"], *said))
    heads = ("subject", "dose", "hours since dose", "certainty", "in the risk window", "why it counts")
    yield from _table(heads, rows)
    if len(cases) > MOST_CASES:
        yield f"\nThe report has {len(cases) - MOST_CASES} more."


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    yield from (f"| {' | '.join(map(markdown_text, row))} |" for row in rows)


def _foot(document: LookDocument, report: Path) -> Iterator[str]:
    yield ""
    yield f"[Report]({report.resolve().as_uri()}) on the machine that made the look: `{report.resolve()}`"
    yield ""
    yield f"Look {document['look_id']}. postdose recommends; a DSMB decides. It is not a medical device."


def markdown_text(text: str) -> str:
    """Return a text that cannot leave its cell, nor be Markdown: no link, picture, HTML or address."""
    plain = inert_line(" ".join(text.split()))
    for found, instead in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        plain = plain.replace(found, instead)
    marked = re.sub(r"([\\|`*_\[\]()#!~$])", r"\\\1", plain)
    # readers of Markdown make links of addresses however these are escaped
    return re.sub(r"(?i)(?<=:)(?=//)|(?<=\bwww)(?=\.)|(?<=\w)(?=@\w)", " ", marked)
