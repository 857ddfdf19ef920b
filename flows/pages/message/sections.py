"""What a message says: its subject, which a lock screen shows, and its sections, the same in text and page.

Sources of the days of expedited reporting: Regulation (EU) No 536/2014, Article 42(2): 7 days after the sponsor
became aware of a fatal or life-threatening suspected unexpected serious adverse reaction, 15 days otherwise. United
States, 21 CFR 312.32(c)(2): 7 calendar days after the sponsor's initial receipt of the information on an unexpected
fatal or life-threatening suspected adverse reaction; 312.32(c)(1): 15 calendar days after the sponsor determines that
the information qualifies. Assessing is the sponsor's: nothing here says that a case is one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import filterfalse
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from checks.stamps import stamp
from flows.pages.cases import onset_span
from flows.pages.kit.lines import PLAIN_SIGNS
from flows.pages.kit.verdicts import RULE_VERDICTS, best_to_worst, verdict_words
from flows.pages.kit.words import (
    NOT_A_DEVICE,
    SIMULATED,
    local_text,
    number,
    plural,
    printable,
    spoken,
    utc_text,
)
from flows.pages.message.facts import CaseFact, Facts, LookFacts, Occasion, RuleFact
from flows.pages.sentences import grade_text

Listed = TypeVar("Listed")

LONGEST = 77
"""Characters. A header line should not exceed 78 with its line end left out (RFC 5322, section 2.1.1)."""

SHOWN_OF_ID = 8
"""Characters of an alert's id: enough to tell it from the others, while the text names it whole."""

KEPT = 4_096
"""Texts that are remembered: the messages of one look repeat each other's sentences, many in a burst."""

MOST_LISTED = 20
"""Rules, cases and caveats: a message is read on a telephone, the page has them all."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a list: what it is about, what is said of it, a mark such as NEW, and further lines."""

    title: str
    detail: str = ""
    mark: str = ""
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with sentences, entries, and lines that are kept whole so that they can be copied."""

    heading: str
    sentences: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()
    copied: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """A whole message: its first line, how grave it is, what stands above and below, and its sections."""

    headline: str
    tone: str
    banner: str = ""
    about: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    last: str = ""


WHERE: Mapping[str, str] = {
    "yes": "in the risk window",
    "possible": "possibly in the risk window",
    "no": "outside the risk window",
}


class Kind(NamedTuple):
    """How alerts of one kind are told: in capitals, in words, how grave, and what is asked of the monitor's own."""

    capitals: str
    words: str
    tone: str = "monitor"
    asked: str | None = None


KINDS: Mapping[str, Kind] = {
    "signal": Kind("SIGNAL", "{} crossed", "signal"),
    "verdict:watch": Kind("WATCH", "a boundary is near", "watch"),
    "verdict:not_assessable": Kind("NOT ASSESSABLE", "no answer"),
    "look_missing": Kind(
        "LOOK MISSING",
        "no recent look",
        asked="Find out why no look was made, and make one. Until then nothing watches this study: "
        "watch participants by other means.",
    ),
    "feed_stale": Kind(
        "FEED STALE",
        "{}",
        asked="Ask for the delivery that is overdue. Until it arrives, later events are not seen.",
    ),
    "feed_blocked": Kind(
        "FEED BLOCKED",
        "{}",
        asked="Restore the feed, then look again. Until then its records count in the worst case at most.",
    ),
    "delivery_failed": Kind(
        "DELIVERY FAILED",
        "{}",
        asked="Reach that role by other means now, then mend its channel and send the message again.",
    ),
    "record_broken": Kind(
        "RECORD BROKEN",
        "it does not hold",
        asked="Find out what was changed, by whom and since when, before anybody relies on the record: "
        "`postdose ledger verify` names the first record that is wrong.",
    ),
    "outbox_changed": Kind(
        "MESSAGES CHANGED",
        "what waits is not as it was recorded",
        asked="See `postdose alerts list` for what is open: a message of it may not have come. Then find out who "
        "can write to the ledger's database: `postdose ledger verify` names each message.",
    ),
    "ledger_replaced": Kind(
        "LEDGER REPLACED",
        "it is not the one known of this study",
        asked="Restore the ledger or name the right one. Until then no look is recorded, alerts that only the other "
        "ledger has are not told again, and none can be acknowledged here.",
    ),
    "clock_ahead": Kind(
        "CLOCK AHEAD",
        "a data cut-off is still to come",
        asked="Set the clock of the machine that looked, and find out what it received meanwhile: "
        "`postdose deliveries list` shows each time of receipt, and `restore` mends it.",
    ),
}
"""By the beginning of what an alert is about, or by the whole of it."""

BENEATH: Mapping[str, str] = {
    "verdict:watch": "a boundary is near, though the data allow no answer",
    "verdict:not_assessable": "no answer, and a boundary is near",
}
"""What is said of a look that would be a watch, were it assessable; by what the alert is about."""

OCCASIONS: Mapping[Occasion, tuple[str, str]] = {
    Occasion.RAISED: ("", "This alert is new."),
    Occasion.REPEATED: (" repeated", "This alert was told before, and what it is about still holds."),
    Occasion.ESCALATED: (
        " escalated",
        "This alert was told to another role, which has not taken it. It is now yours.",
    ),
    Occasion.REOPENED: (
        " worsened",
        "This alert is open again: the evidence has worsened since it was last told.",
    ),
    Occasion.CLEARED: (
        " cleared",
        "What this alert was about no longer holds on the data as they are now known.",
    ),
    Occasion.DEAD_LETTER: (
        " undelivered",
        "A message of this alert was given up: its receiver may not know of it. "
        "Reach that role by other means now.",
    ),
    Occasion.TEST: ("", "This is a test of the channels. There is no alert. Only its arrival matters."),
}
"""What has become of the alert: after what it is about, and in a sentence."""

WITH_ITS_LOOK = (Occasion.RAISED, Occasion.REOPENED, Occasion.CLEARED)
"""Told by the look itself, whose page is written after its messages."""

TOLD_BEFORE = (Occasion.REPEATED, Occasion.ESCALATED, Occasion.REOPENED)


@lru_cache(maxsize=KEPT)
def one_line(text: str) -> str:
    """Return a text as one line in which nothing is unprintable: a line break could begin another header."""
    return " ".join(printable(text).translate(PLAIN_SIGNS).split())


def subject_line(facts: Facts) -> str:
    """Return the subject, at most ``LONGEST`` characters, which never names a participant or an arm.

    A brief one names the alert and nothing else.
    """
    if facts.occasion is Occasion.TEST:
        return f"postdose {headline(facts)}"
    alert = one_line(facts.alert)
    if facts.brief:
        return _clipped(f"postdose: alert {alert}", LONGEST)
    capitals, said = _said(facts)
    begins = f"postdose {'SIMULATED ' if facts.study.simulated else ''}{capitals} "
    ends = f" [alert {alert[:SHOWN_OF_ID]}]"
    return begins + _clipped(f"{one_line(facts.study.id)}: {said}", LONGEST - len(begins) - len(ends)) + ends


def headline(facts: Facts) -> str:
    """Return the first line of the message: "SIGNAL worsened: three_cases crossed"."""
    return ": ".join(_said(facts))


def _kind(facts: Facts) -> Kind:
    about = facts.about
    return KINDS[about if about in KINDS else about.partition(":")[0]]


def _said(facts: Facts) -> tuple[str, str]:
    if facts.occasion is Occasion.TEST:
        return "TEST", "no alert, only a test of this channel"
    kind, what = _kind(facts), one_line(facts.about.partition(":")[2])
    said = kind.words
    if facts.occasion is Occasion.CLEARED:
        said = "{}" if "{}" in said else "it no longer holds"
    elif facts.look is not None and facts.look.watch_beneath and facts.about in BENEATH:
        said = BENEATH[facts.about]
    return kind.capitals + OCCASIONS[facts.occasion][0], said.format(what)


def _clipped(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3].rstrip() + "..."


def content_of(facts: Facts) -> Content:
    """Return what the message says, section by section, without those that would be empty."""
    sections = [_happened(facts), *_asked(facts), Section("New since the message before", _news(facts))]
    if facts.look is not None:
        sections += _of_look(facts, facts.look)
    sections.append(_references(facts))
    return Content(
        headline=headline(facts),
        tone=_tone(facts),
        banner=SIMULATED if facts.study.simulated else "",
        about=_about(facts),
        sections=tuple(one for one in sections if one.sentences or one.items or one.copied),
        last=NOT_A_DEVICE,
    )


def _tone(facts: Facts) -> str:
    if facts.occasion in (Occasion.CLEARED, Occasion.TEST):
        return "quiet"
    return _kind(facts).tone


def _about(facts: Facts) -> tuple[str, ...]:
    title = "" if facts.study.title is None else f", {one_line(facts.study.title)}"
    alert = "Test" if facts.occasion is Occasion.TEST else f"Alert {one_line(facts.alert)}"
    told = f"{alert}, for {spoken(facts.role)}, written {_when(stamp(facts.at), facts)}"
    lines = [f"Study {one_line(facts.study.id)}{title}", told]
    if facts.look is not None:
        lines.append(f"Look {facts.look.look_id}, data cut-off {_when(facts.look.data_cutoff, facts)}")
    return tuple(lines)


def _when(moment: str, facts: Facts) -> str:
    return utc_text(moment) + local_text(moment, str(facts.study.timezone))


def _happened(facts: Facts) -> Section:
    look = facts.look
    verdict = () if look is None or facts.occasion is Occasion.TEST else (_verdict(look),)
    lead = () if look is None else look.lead
    return Section("What happened", (OCCASIONS[facts.occasion][1], *facts.cause, *verdict, *lead))


def _news(facts: Facts) -> tuple[str, ...]:
    """Return what is new; of an alert told before of which nothing is said, which cases are."""
    if facts.news or facts.look is None or facts.occasion not in TOLD_BEFORE:
        return facts.news
    new = [f"{case.USUBJID}, dose {case.dose_number}" for case in facts.look.cases if case.new]
    listed = "; ".join(new[:MOST_LISTED]) + ("; ..." if len(new) > MOST_LISTED else "")
    return (f"{plural(len(new), 'case')} new or changed: {listed}." if new else "No case is new or changed.",)


def _verdict(look: LookFacts) -> str:
    words = verdict_words(look.verdict, look.beneath, look.repairs)
    return f"{words.name}: {words.headline} {words.meaning}"


def _asked(facts: Facts) -> tuple[Section, ...]:
    """Return what is asked of whom by when; nothing is asked by a test, or once the cause is gone."""
    heading = "What is asked of you"
    if facts.occasion is Occasion.TEST:
        return ()
    if facts.occasion is Occasion.CLEARED:
        return (Section(heading, ("Nothing, but to know it.",)),)
    command = () if facts.command is None else (facts.command,)
    deadline = Section("", tuple(_deadline(facts)), (), command)
    monitors = _kind(facts).asked
    if monitors is not None:
        return Section(heading, (monitors,)), deadline
    look = facts.look
    asked = () if look is None else verdict_words(look.verdict, look.beneath).recommended
    return Section(heading, (), tuple(Item(who, what) for who, what in asked)), deadline


def _deadline(facts: Facts) -> Iterator[str]:
    if facts.acknowledge_by is not None:
        yield f"Acknowledge by {_when(stamp(facts.acknowledge_by), facts)}."
        if facts.escalates_to is not None:
            yield f"Otherwise {spoken(facts.escalates_to)} is told."
    if facts.command is not None:
        yield "To acknowledge:"


def _of_look(facts: Facts, look: LookFacts) -> list[Section]:
    counted = ", ".join(f"{count:,} {fate}" for fate, count in look.windows.items())
    found = [
        Section("Rules", (f"Dose windows: {counted}.",), _listed(look.rules, _rule)),
        Section("Cases", (), _listed(sorted(filter(_is_settled, look.cases), key=_order), _case)),
        Section("Possible cases to settle", (), _listed([*filterfalse(_is_settled, look.cases)], _case)),
        Section("Data quality", (), tuple(map(Item, look.feeds))),
        Section("What could change the answer", (), _listed(look.caveats, Item)),
        Section("Background", look.background),
    ]
    in_window = any(case.in_risk_window != "no" for case in look.cases)
    if in_window and facts.occasion is not Occasion.CLEARED:
        lead, *dates, counted_from = expedited_reporting(look.data_cutoff, str(facts.study.timezone))
        found.append(Section("Expedited reporting", (lead,), tuple(map(Item, dates))))
        found.append(Section("", (counted_from,)))
    return found


def _rule(rule: RuleFact) -> Item:
    verdict = RULE_VERDICTS[rule.verdict].lower()
    if rule.reason:
        return Item(f"{rule.id} {verdict}", rule.reason)
    detail = f"observed {rule.observed} against a boundary of {rule.boundary}"
    if rule.best_case != rule.worst_case:
        detail += f"; {best_to_worst(rule.best_case, rule.worst_case)}"
    return Item(f"{rule.id} {verdict}", detail)


def _is_settled(case: CaseFact) -> bool:
    return case.settled


def _order(case: CaseFact) -> tuple[bool, bool]:
    """Those in the risk window first, and among them what is new; otherwise as they were."""
    return case.in_risk_window == "no", not case.new


def _case(case: CaseFact) -> Item:
    after = f"after dose {case.dose_number}"
    if case.hour is None:
        seen = f"some time in hours {onset_span(case.onset_hours)} {after}"
    else:
        seen = f"{number(case.hour)} h {after}"
    said = (
        f"{case.certainty}, {WHERE[case.in_risk_window]}; grade {grade_text(case.grade)}; {case.components}"
    )
    detail = "; ".join((said, *case.notes, f"dose given {utc_text(case.dose_start)}"))
    settles = (
        ()
        if case.settled
        else (f"Missing: {'; '.join(case.missing)}", f"Cleared by: {'; '.join(case.cleared)}")
    )
    return Item(f"{case.USUBJID}: {seen}", detail, "NEW" if case.new else "", settles)


def _listed(found: Sequence[Listed], item: Callable[[Listed], Item]) -> tuple[Item, ...]:
    """Return an entry for each of the first, and how many more there are."""
    more = len(found) - MOST_LISTED
    rest = (Item(f"and {more} more, on the page"),) if more > 0 else ()
    return (*map(item, found[:MOST_LISTED]), *rest)


def _references(facts: Facts) -> Section:
    held, head = facts.held_back, facts.head
    sentences = (
        [f"{plural(held, 'further alert')} held back from single messages: see the list."] if held else []
    )
    where = "The report will be at" if facts.occasion in WITH_ITS_LOOK else "Report"
    copied = [] if facts.report is None else [f"{where}: {facts.report}"]
    if head is not None:
        copied += [f"Ledger: record {head.sequence}, SHA-256", head.sha256]
    return Section("To look it up", tuple(sentences), (), tuple(copied))


def expedited_reporting(data_cutoff: str, timezone: str) -> tuple[str, ...]:
    """Return what would be due by when, if the sponsor assesses the cases as a SUSAR.

    Calendar days, that of the data cut-off (ISO 8601 with Z) being day 0, in UTC and in the study's time zone.
    """
    return (
        "If the sponsor assesses this as a SUSAR (suspected unexpected serious adverse reaction):",
        f"fatal or life-threatening, 7 calendar days: by {_day(data_cutoff, timezone, 7)}.",
        f"otherwise, 15 calendar days: by {_day(data_cutoff, timezone, 15)}.",
        "Counted from the data cut-off as day 0. The clock of the law may have started earlier, or start with the "
        "sponsor's own assessment: EU, Regulation 536/2014 Art. 42(2), from when the sponsor became aware; US, "
        "21 CFR 312.32(c), 7 days from initial receipt, 15 days from the determination that it qualifies. "
        "Other jurisdictions have their own.",
    )


def _day(data_cutoff: str, timezone: str, days: int) -> str:
    moment = datetime.fromisoformat(data_cutoff)
    there = (moment.astimezone(zone).date() + timedelta(days=days) for zone in (UTC, ZoneInfo(timezone)))
    return "{} (UTC), {} ({})".format(*there, timezone)
