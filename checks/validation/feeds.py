"""Decide of each feed whether it can be used, and turn its rows into the typed tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from checks import tables
from checks.blinding import UNCOUNTED, blind
from checks.errors import UsageError
from checks.instants import parse_stamps
from checks.protocol import StudyProtocol
from checks.tables import Feed, Table
from checks.validation import administrations, adverse_events, labs, readings, subjects
from checks.validation.adapter import Judgement, judge
from checks.validation.catalogue import FUTURE, STRUCTURE, HasRows, row_checks
from checks.validation.judged import Judged
from checks.validation.quarantine import list_withheld
from checks.validation.raw import Flags, Needed, Prepared, Setting, Source, is_copy, zones_of
from checks.validation.results import CheckResult, FeedOutcome, Outcome, Validation


@dataclass(frozen=True, slots=True)
class _Domain:
    """How one domain becomes a typed table."""

    table: Table
    needed: tuple[Needed, ...]
    prepare: Callable[[Source, Setting], Prepared]


_DOMAINS: Final[Mapping[str, _Domain]] = {
    "DM": _Domain(tables.SUBJECTS, subjects.NEEDED, subjects.prepare),
    "EX": _Domain(tables.ADMINISTRATIONS, administrations.NEEDED, administrations.prepare),
    "VS": _Domain(tables.MEASUREMENTS, readings.NEEDED, readings.prepare),
    "AE": _Domain(tables.ADVERSE_EVENTS, adverse_events.NEEDED, adverse_events.prepare),
    "LB": _Domain(tables.MEASUREMENTS, labs.NEEDED, labs.prepare),
}


@dataclass(frozen=True, slots=True)
class _Validated:
    """What validation makes of one feed."""

    outcome: FeedOutcome
    checks: tuple[CheckResult, ...]
    quarantine: pd.DataFrame
    typed: pd.DataFrame
    source: Source | None = None
    unplaced: frozenset[str] = frozenset()


def validate_feeds(
    feeds: Mapping[str, Feed],
    protocol: StudyProtocol,
    data_cutoff: datetime,
    *,
    judged: Judged | None = None,
) -> Validation:
    """Check every feed of the protocol, and turn them into the tables that later stages use.

    Parameters
    ----------
    feeds
        By lower-case domain. A feed that the protocol names and that is not here was not delivered.
    protocol
        The study protocol: sites, treatment names, vitals and laboratory tests in use, limits.
    data_cutoff
        With an offset. A row that is surely later is set aside.
    judged
        What earlier looks judged, for looks that follow each other; it saves time and changes nothing.

    Raises
    ------
    UsageError
        When the data cut-off has no offset from UTC.
    """
    if data_cutoff.tzinfo is None:
        raise UsageError(f"data cut-off {data_cutoff.isoformat()}; allowed: a time with an offset from UTC")
    cutoff = pd.Timestamp(data_cutoff).tz_convert("UTC").as_unit("s")
    setting = Setting(protocol, cutoff, {}, {})
    lists: dict[str, list[str]] = {"sites": list(protocol.sites), "enrolled": [], "dosed": []}
    done: dict[str, _Validated] = {}
    exposed: frozenset[str] = frozenset()
    memory = Judged() if judged is None else judged
    for name in _order(protocol):
        feed = feeds.get(name.lower())
        done[name] = one = _dated(_validate_feed(name, feed, setting, lists, memory), feed)
        if name == "DM" and one.source is not None:
            zones = dict(zip(one.typed["USUBJID"], one.typed["timezone"], strict=True))
            setting = replace(setting, zones=zones, deaths=subjects.deaths(one.source, zones))
            lists["enrolled"] = list(zones)
            exposed = subjects.exposed(one.source, zones, cutoff)
        if name == "EX":
            done[name] = one = _without_doses(one, exposed, protocol.limits.max_quarantined)
            lists["dosed"] = list(one.typed.loc[one.typed["trusted"], "USUBJID"].unique())
    return _collect(done)


def _without_doses(validated: _Validated, exposed: frozenset[str], limit: float) -> _Validated:
    """Distrust EX where many subjects of whom DM says that they were exposed have no dose in it.

    A misspelt treatment is another drug for all that a row says; that the doses are missing shows only here.
    """
    without = exposed - validated.unplaced - set(validated.typed["USUBJID"])
    if validated.source is None or len(without) <= limit * len(exposed):
        return validated
    problem = (
        f"EX: {len(without)} of {len(exposed)} subjects whom DM calls exposed (RFXSTDTC) have no dose of a "
        f"treatment in `treatment.names`; allowed: at most {limit:.1%}"
    )
    outcome = validated.outcome
    said = replace(outcome, within_limit=False, problems=(*outcome.problems, problem))
    return replace(validated, outcome=said)


def _dated(validated: _Validated, feed: Feed | None) -> _Validated:
    """Say when the newest delivery of the feed was received, where that is on record."""
    received = [one.received_at for one in (feed.deliveries if feed else ()) if one.received_at is not None]
    return replace(validated, outcome=replace(validated.outcome, received=max(received, default=None)))


def _order(protocol: StudyProtocol) -> list[str]:
    """Return the protocol's domains in the order of the catalogue: each needs the ones before it."""
    declared = protocol.feeds.by_domain()
    return [name for name in (*_DOMAINS, *sorted(set(declared) - set(_DOMAINS))) if name in declared]


def _collect(done: Mapping[str, _Validated]) -> Validation:
    """Put the feeds together."""
    typed = {table.name: table for table in (domain.table for domain in _DOMAINS.values())}
    withheld = [one.quarantine for one in done.values() if len(one.quarantine)]
    return Validation(
        **{name: _joined(table, done) for name, table in typed.items()},
        unplaced=frozenset().union(*(one.unplaced for one in done.values())),
        quarantine=tables.QUARANTINE.conform(pd.concat(withheld)) if withheld else tables.QUARANTINE.empty(),
        checks=tuple(check for one in done.values() for check in one.checks),
        feeds=tuple(one.outcome for one in done.values()),
    )


def _joined(table: Table, done: Mapping[str, _Validated]) -> pd.DataFrame:
    """Return the rows of all domains that make one table, in the order of the domains."""
    parts = [done[name].typed for name, domain in _DOMAINS.items() if domain.table is table and name in done]
    filled = [part for part in parts if len(part)]
    return table.conform(pd.concat(filled)) if len(filled) > 1 else (*filled, table.empty())[0]


def _validate_feed(
    name: str, feed: Feed | None, setting: Setting, lists: Mapping[str, Sequence[str]], memory: Judged
) -> _Validated:
    """Check one feed: can it be read, does its structure hold, which rows conform, is it fresh."""
    if feed is None or feed.table is None:
        problem = (
            feed.problem if feed else None
        ) or f"{name}: nothing was delivered; the protocol names this feed"
        return _blocked(name, feed, "error", (problem,), ())
    if name not in _DOMAINS:
        return _unused(name, feed)
    source = Source(name, blind(name, feed.table, setting.protocol.treatment.names))
    structure = _check_structure(source, _needed(name, setting.protocol), memory)
    problems = tuple(result.message for result in structure if result.outcome in ("failed", "error"))
    if problems:
        return _blocked(name, feed, "failed", _told(feed) + problems, structure)
    prepared = _DOMAINS[name].prepare(source, setting)
    checks = [(check, check.column) for check in row_checks(name) if check.column in prepared.judged]
    judgements = judge(prepared.judged[sorted({column for _, column in checks})], checks, lists, memory)
    results = structure + tuple(_row_result(name, prepared, one) for one in judgements)
    errors = tuple(result.message for result in results if result.outcome == "error")
    if errors:
        return _blocked(name, feed, "error", _told(feed) + errors, results)
    return _usable(name, feed, source, prepared, judgements, results, setting)


def _needed(name: str, protocol: StudyProtocol) -> tuple[Needed, ...]:
    """Return the columns that a feed must have, with the one that says when a row became known."""
    known_at = protocol.feeds.by_domain()[name].known_at
    return _DOMAINS[name].needed + ((Needed("known_at", (known_at.upper(),)),) if known_at else ())


def _check_structure(source: Source, needed: Sequence[Needed], memory: Judged) -> tuple[CheckResult, ...]:
    """Apply the checks that block a whole feed."""
    there = {
        one.name: source.first_of(one.columns)
        for one in needed
        if any(source.has(name) for name in one.columns)
    }
    table = pd.DataFrame(there, index=pd.RangeIndex(len(source)))
    checks = [
        (check, "" if isinstance(check.rule, HasRows) else one.name)
        for check in STRUCTURE
        for one in (needed[:1] if isinstance(check.rule, HasRows) else needed)
    ]
    judgements = judge(table, checks, {}, memory)
    return tuple(
        _structure_result(source.domain, needed, [one for one in judgements if one.check is check])
        for check in STRUCTURE
    )


def _filled(source: Source, needed: Needed) -> "pd.Series[float]":
    """Return 1 where a needed column is filled, missing where it is blank: that is all structure asks."""
    filled = pd.concat([source.text(name).notna() for name in needed.columns], axis=1).any(axis=1)
    return filled.astype("float64").where(filled)


def _structure_result(domain: str, needed: Sequence[Needed], judgements: Sequence[Judgement]) -> CheckResult:
    """Put together what one structural check says of each needed column."""
    check = judgements[0].check
    labels = {one.name: str(one) for one in needed}
    # A column that is missing cannot be blank: that Great Expectations errs on it is no error of the feed.
    counted = [one for one in judgements if one.outcome in ("passed", "failed")]
    failed = [one for one in counted if one.outcome == "failed"]
    outcome: Outcome = "failed" if failed else "passed" if counted else "not_applicable"
    columns = ", ".join(labels.get(one.column, "") for one in failed)
    message = f"{domain}: {check.message.format(column=columns)}" if failed else ""
    return CheckResult(
        domain, check.name, check.category, check.severity, outcome, len(failed), len(counted), message
    )


def _row_result(domain: str, prepared: Prepared, judgement: Judgement) -> CheckResult:
    """Say how many rows did not conform to one check, in the study team's words."""
    check, count = judgement.check, len(judgement.unexpected)
    message = ""
    if judgement.outcome == "error":
        message = f"{domain}: the check {check.name} could not be run. Report this as a defect"
    elif count:
        column = prepared.shown[check.column].column
        names = (
            column
            if isinstance(column, str)
            else " or ".join(sorted(column.iloc[judgement.unexpected].unique()))
        )
        states = ""
        if "{reason}" in check.message:
            states = " or ".join(sorted(prepared.judged[check.column].iloc[judgement.unexpected].unique()))
        counts = f"{check.numerator}: {count} of {judgement.denominator} {check.denominator}"
        message = f"{domain}: {counts}. {check.message.format(column=names, reason=states)}"
    return CheckResult(
        domain,
        check.name,
        check.category,
        check.severity,
        judgement.outcome,
        count,
        judgement.denominator,
        message,
    )


def _blocked(
    name: str, feed: Feed | None, outcome: Outcome, problems: tuple[str, ...], checks: tuple[CheckResult, ...]
) -> _Validated:
    """Return a feed that cannot be used: all its rows are withheld, and its table is empty."""
    rows = 0 if feed is None or feed.table is None else len(feed.table)
    empty = _DOMAINS[name].table.empty() if name in _DOMAINS else pd.DataFrame()
    said = FeedOutcome(
        domain=name,
        sha256=_hashes(feed),
        rows_read=rows,
        rows_accepted=0,
        rows_quarantined=rows,
        outcome=outcome,
        latest=None,
        stale=False,
        share_withheld=1.0,
        within_limit=False,
        problems=problems,
        rows_superseded=feed.superseded if feed else 0,
        rows_not_yet_known=feed.not_yet_known if feed else 0,
    )
    return _Validated(said, checks, tables.QUARANTINE.empty(), empty)


def _unused(name: str, feed: Feed) -> _Validated:
    """Return a feed that no rule uses: it is recorded by its hash, not checked, and not always counted."""
    counted = name not in UNCOUNTED
    rows = len(feed.table) if counted and feed.table is not None else 0
    said = FeedOutcome(
        domain=name,
        sha256=_hashes(feed),
        rows_read=rows,
        rows_accepted=rows,
        rows_quarantined=0,
        outcome="not_applicable",
        latest=None,
        stale=False,
        share_withheld=0.0,
        within_limit=True,
        problems=(),
        rows_superseded=feed.superseded if counted else 0,
        rows_not_yet_known=feed.not_yet_known if counted else 0,
    )
    return _Validated(said, (), tables.QUARANTINE.empty(), pd.DataFrame())


def _told(feed: Feed) -> tuple[str, ...]:
    """Return the problem of a feed whose newest delivery cannot be used; earlier ones stand in for it."""
    return (feed.problem,) if feed.problem else ()


def _hashes(feed: Feed | None) -> tuple[str, ...]:
    return tuple(delivery.sha256 for delivery in feed.deliveries) if feed else ()


def _usable(  # everything that the row checks found
    name: str,
    feed: Feed,
    source: Source,
    prepared: Prepared,
    judgements: Sequence[Judgement],
    results: tuple[CheckResult, ...],
    setting: Setting,
) -> _Validated:
    """Return a feed whose structure holds: its typed rows, its withheld rows, and whether it is fresh."""
    withheld, future, other = _withheld(len(source), judgements)
    typed = prepared.typed.assign(trusted=~withheld)
    keep = prepared.keep.to_numpy() & ~future & ~is_copy(prepared.judged["content"]).to_numpy()
    keep &= ~source.is_header.to_numpy()
    if name == "DM":
        keep &= ~withheld
    latest = _latest(source, prepared, ~withheld, setting)
    share = float(other.mean())
    limit = setting.protocol.limits.max_quarantined
    age = setting.protocol.feeds.by_domain()[name].max_age_hours
    stale = _is_stale(name, latest, age, setting.data_cutoff)
    problems = [*_told(feed)]
    if share > limit:
        problems.append(f"{name}: {share:.1%} of the rows are quarantined; allowed: at most {limit:.1%}")
    if stale:
        when = f"is of {latest:%Y-%m-%dT%H:%M:%SZ}" if latest is not None else "has no time"
        problems.append(
            f"{name}: the latest accepted datum {when}; allowed: at most {age:g} h before the cut-off"
        )
    said = FeedOutcome(
        domain=name,
        sha256=_hashes(feed),
        rows_read=len(source),
        rows_accepted=int((~withheld).sum()),
        rows_quarantined=int(withheld.sum()),
        outcome="error" if feed.problem else "passed",
        latest=None if latest is None else latest.to_pydatetime(),
        stale=stale,
        share_withheld=share,
        within_limit=share <= limit,
        problems=tuple(problems),
        rows_superseded=feed.superseded,
        rows_not_yet_known=feed.not_yet_known,
    )
    table = _DOMAINS[name].table.conform(typed[keep])
    lost = prepared.matters & other & ~prepared.keep & ~source.is_header
    unplaced = frozenset(source.subject[lost].fillna("").unique())
    return _Validated(said, results, list_withheld(source, prepared, judgements), table, source, unplaced)


def _withheld(rows: int, judgements: Sequence[Judgement]) -> tuple[Flags, Flags, Flags]:
    """Return the rows withheld, those that lie after the cut-off, and those withheld for another reason."""
    future, other = np.zeros(rows, dtype=bool), np.zeros(rows, dtype=bool)
    for one in judgements:
        if one.check.severity == "quarantines":
            (future if one.check.name == FUTURE else other)[one.unexpected] = True
    return future | other, future, other


def _latest(source: Source, prepared: Prepared, accepted: Flags, setting: Setting) -> pd.Timestamp | None:
    """Return the latest time, at or before the cut-off, of an accepted row or of its becoming known."""
    instants = prepared.known_until
    known_at = setting.protocol.feeds.by_domain()[source.domain].known_at
    if known_at:
        zones = prepared.typed["timezone"] if source.domain == "DM" else zones_of(source, setting)
        known = parse_stamps(source.text(known_at.upper()), zones)["earliest"]
        instants = (
            pd.concat([instants, known], axis=1).where(lambda time: time <= setting.data_cutoff).max(axis=1)
        )
    latest = instants[accepted & (instants <= setting.data_cutoff).to_numpy()].max()
    return None if pd.isna(latest) else latest


def _is_stale(name: str, latest: pd.Timestamp | None, age: float | None, cutoff: pd.Timestamp) -> bool:
    """Whether the latest datum is older than the protocol allows; DM describes people, without a time."""
    if age is None or (name == "DM" and latest is None):
        return False
    return latest is None or (cutoff - latest) > pd.Timedelta(hours=age)
