"""Each feed of a look: whether it can be used, which of its rows are withheld, and its typed table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pandas as pd

from checks import tables
from checks.blinding import UNCOUNTED, blind
from checks.instants import parse_stamps, require_zoned
from checks.protocol import StudyProtocol
from checks.tables import Feed, Table
from checks.validation import subjects
from checks.validation.administrations import without_listed
from checks.validation.catalogue.times import FUTURE
from checks.validation.check_results import (
    delivery_results,
    list_withheld,
    row_results,
    structure_results,
    undelivered_results,
)
from checks.validation.dose_times import dose_times
from checks.validation.dose_witnesses import given_points
from checks.validation.judging import Judgement, judge
from checks.validation.prepared_table import table_for
from checks.validation.raw import Flags, Prepared, Setting, Source
from checks.validation.results import CheckResult, FeedOutcome, Outcome, SuiteResult, Validation
from checks.validation.suites import DOMAINS, suite_of
from checks.validation.witnesses import tells_once


@dataclass(frozen=True, slots=True)
class _Validated:
    """What validation makes of one feed."""

    outcome: FeedOutcome
    checks: tuple[CheckResult, ...]
    quarantine: pd.DataFrame
    typed: pd.DataFrame
    source: Source | None = None
    unplaced: frozenset[str] = frozenset()
    added: pd.DataFrame = field(default_factory=pd.DataFrame)
    suite: SuiteResult | None = None


def validate_feeds(feeds: Mapping[str, Feed], protocol: StudyProtocol, data_cutoff: datetime) -> Validation:
    """Check every feed of the protocol, and turn them into the tables that later stages use.

    Parameters
    ----------
    feeds
        By lower-case domain. A feed that the protocol names and that is not here was not delivered.
    protocol
        The study protocol: sites, treatment names, vitals and laboratory tests in use, limits.
    data_cutoff
        With an offset. A row that is surely later is set aside.

    Raises
    ------
    UsageError
        When the data cut-off has no offset from UTC.
    """
    require_zoned(data_cutoff)
    cutoff = pd.Timestamp(data_cutoff).tz_convert("UTC").as_unit("s")
    setting = Setting(protocol, cutoff, {}, {})
    done: dict[str, _Validated] = {}
    exposed: frozenset[str] = frozenset()
    for name in _order(protocol):
        done[name] = one = _validate_feed(name, feeds.get(name.lower()), setting)
        if name == "DM" and one.source is not None:
            zones = dict(zip(one.typed["USUBJID"], one.typed["timezone"], strict=True))
            sites = dict(zip(one.typed["USUBJID"], one.typed["SITEID"], strict=True))
            tables = {name.upper(): feed.table for name, feed in feeds.items() if feed.table is not None}
            setting = replace(
                setting,
                zones=zones,
                sites=sites,
                deaths=subjects.deaths(one.source, zones),
                contacts=subjects.contacts(one.source, tables),
            )
            exposed = subjects.exposed(one.source, zones, cutoff)
            told = dose_times(feeds, zones, protocol.treatment.names, cutoff)
            setting = replace(setting, dose_times=told)
        if name == "EX":
            done[name] = one = _without_doses(one, exposed, protocol.limits.max_quarantined)
            dosed = frozenset(one.typed.loc[one.typed["trusted"], "USUBJID"])
            given = replace(setting.dose_times, given=given_points(one.typed))
            setting = replace(setting, dosed=dosed, dose_times=given)
            done[name] = _with_added(one, len(given.told))
    return _collect(done)


def _with_added(validated: _Validated, told: int) -> _Validated:
    """Return EX with the doses that it lacks and other feeds tell: in the worst case they were given."""
    if not len(validated.added):
        return validated
    checks = (*validated.checks, *undelivered_results(validated.added, told))
    typed = pd.concat([validated.typed, validated.added], ignore_index=True)
    return replace(validated, checks=checks, typed=typed)


def _without_doses(validated: _Validated, exposed: frozenset[str], limit: float) -> _Validated:
    """Distrust EX where many subjects of whom DM says that they were exposed have no dose in it.

    Study drug by another name is another drug for all that a row says; that the doses are missing shows only here.
    """
    source = validated.source
    listed = set() if source is None else set(source.subject[~without_listed(source)])
    without = exposed - validated.unplaced - (listed & set(validated.typed["USUBJID"]))
    if source is None or len(without) <= limit * len(exposed):
        return validated
    problem = (
        f"EX: {len(without)} of {len(exposed)} subjects whom DM calls exposed (RFXSTDTC) have no dose of a "
        f"treatment in `treatment.names`; allowed: at most {limit:.1%}"
    )
    outcome = validated.outcome
    said = replace(outcome, within_limit=False, problems=(*outcome.problems, problem))
    return replace(validated, outcome=said)


def _order(protocol: StudyProtocol) -> list[str]:
    """Return the protocol's domains in the order of the catalogue: each needs the ones before it."""
    declared = protocol.feeds.by_domain()
    return [name for name in (*DOMAINS, *sorted(set(declared) - set(DOMAINS))) if name in declared]


def _collect(done: Mapping[str, _Validated]) -> Validation:
    typed = {table.name: table for table in (domain.table for domain in DOMAINS.values())}
    withheld = [one.quarantine for one in done.values() if len(one.quarantine)]
    return Validation(
        **{name: _joined(table, done) for name, table in typed.items()},
        unplaced=frozenset().union(*(one.unplaced for one in done.values())),
        quarantine=tables.QUARANTINE.conform(pd.concat(withheld)) if withheld else tables.QUARANTINE.empty(),
        checks=tuple(check for one in done.values() for check in one.checks),
        suites=tuple(one.suite for one in done.values() if one.suite is not None),
        feeds=tuple(one.outcome for one in done.values()),
        told_once=tuple(
            name for name, one in done.items() if one.source is not None and tells_once(one.source)
        ),
    )


def _joined(table: Table, done: Mapping[str, _Validated]) -> pd.DataFrame:
    """Return the rows of all domains that make one table, in the order of the domains."""
    parts = [done[name].typed for name, domain in DOMAINS.items() if domain.table is table and name in done]
    filled = [part for part in parts if len(part)]
    return table.conform(pd.concat(filled)) if filled else table.empty()


def _validate_feed(name: str, feed: Feed | None, setting: Setting) -> _Validated:
    """Check one feed: can it be read, does its structure hold, which rows conform, is it fresh."""
    if feed is None or feed.table is None:
        nothing = f"{name}: nothing was delivered; the protocol names this feed"
        return _blocked(name, feed, "error", () if feed and feed.problem else (nothing,), ())
    if name not in DOMAINS:
        return _unused(name, feed)
    asked = suite_of(name, setting.protocol)
    if asked.problems:
        return _blocked(name, feed, "error", asked.problems, ())
    treatment = setting.protocol.treatment
    source = Source(name, blind(name, feed.table, treatment.names, treatment.not_study_drug), setting)
    # where the rows cannot be prepared, the structure is judged all the same, and blocks the feed
    has_form = all(source.fills(one.columns) for one in asked.needed)
    prepared = DOMAINS[name].prepare(source) if has_form else None
    table = table_for(asked.checks, source, asked.needed, prepared)
    judgements, suite = judge(name, table, asked.checks)
    decided = _decided(feed, source, prepared, judgements)
    return replace(decided, suite=suite, checks=(*decided.checks, *delivery_results(name, feed)))


def _decided(
    feed: Feed, source: Source, prepared: Prepared | None, judgements: Sequence[Judgement]
) -> _Validated:
    """Say what the judgements mean for the feed: where its structure fails, nothing more is said of its rows."""
    name = source.domain
    structure = structure_results(name, [one for one in judgements if one.check.is_structural])
    stopped = _stopped(name, feed, structure, structure)
    if stopped is not None or prepared is None:
        problem = f"{name}: what the feed lacks could not be judged. Report this as a defect"
        return stopped or _blocked(name, feed, "error", (problem,), structure)
    of_rows = [one for one in judgements if not one.check.is_structural]
    found = row_results(source, prepared, of_rows)
    results = structure + found
    return _stopped(name, feed, found, results) or _usable(feed, source, prepared, of_rows, results)


def _stopped(
    name: str, feed: Feed, found: Sequence[CheckResult], results: tuple[CheckResult, ...]
) -> _Validated | None:
    """Return the feed as stopped where a check could not be run, or one failed that blocks; else None."""
    errors = tuple(one.message for one in found if one.outcome == "error")
    failures = tuple(one.message for one in found if one.outcome == "failed" and one.severity == "blocks")
    if not errors and not failures:
        return None
    return _blocked(name, feed, "error" if errors else "failed", errors or failures, results)


def _blocked(
    name: str, feed: Feed | None, outcome: Outcome, problems: tuple[str, ...], checks: tuple[CheckResult, ...]
) -> _Validated:
    """Return a feed that cannot be used: all its rows are withheld, and its table is empty."""
    empty = DOMAINS[name].table.empty() if name in DOMAINS else pd.DataFrame()
    said = _delivered(name, feed)
    said = replace(
        said,
        rows_accepted=0,
        rows_quarantined=said.rows_read,
        outcome=outcome,
        within_limit=False,
        problems=said.problems + problems,
    )
    return _Validated(said, checks, tables.QUARANTINE.empty(), empty)


def _unused(name: str, feed: Feed) -> _Validated:
    """Return a feed that no rule uses: it is recorded by its hash, not checked, and not always counted."""
    said = replace(_delivered(name, feed), outcome="not_applicable", problems=())
    if name in UNCOUNTED:
        said = replace(said, rows_read=0, rows_accepted=0, rows_superseded=0, rows_not_yet_known=0)
    return _Validated(said, (), tables.QUARANTINE.empty(), pd.DataFrame())


def _delivered(name: str, feed: Feed | None) -> FeedOutcome:
    """Say of a feed what was delivered, and why its newest delivery cannot be used where earlier ones stand in."""
    feed = feed or Feed(name, None)
    rows = 0 if feed.table is None else len(feed.table)
    received = [one.received_at for one in feed.deliveries if one.sha256 and one.received_at is not None]
    return FeedOutcome(
        domain=name,
        sha256=tuple(delivery.sha256 for delivery in feed.deliveries if delivery.sha256),
        rows_read=rows,
        rows_accepted=rows,
        rows_quarantined=0,
        outcome="error" if feed.problem else "passed",
        latest=None,
        stale=False,
        within_limit=True,
        problems=(feed.problem,) if feed.problem else (),
        rows_superseded=feed.superseded,
        rows_not_yet_known=feed.not_yet_known,
        received=max(received, default=None),
    )


def _usable(  # everything that the row checks found
    feed: Feed,
    source: Source,
    prepared: Prepared,
    judgements: Sequence[Judgement],
    results: tuple[CheckResult, ...],
) -> _Validated:
    """Return a feed whose structure holds: its typed rows, its withheld rows, and whether it is fresh."""
    name, protocol = source.domain, source.setting.protocol
    withheld, future, other = _withheld(len(source), judgements)
    typed = prepared.typed.assign(trusted=~withheld)
    keep = prepared.keep.to_numpy() & ~future & ~prepared.judged["row_content"].duplicated().to_numpy()
    keep &= ~source.is_header.to_numpy()
    if name == "DM":
        keep &= ~withheld
    latest = _latest(source, prepared, ~withheld)
    share = float(other.mean())
    limit = protocol.limits.max_quarantined
    age = protocol.feeds.by_domain()[name].max_age_hours
    stale = _is_stale(name, latest, age, source.setting.data_cutoff)
    said = _delivered(name, feed)
    problems = [*said.problems]
    if share > limit:
        problems.append(
            f"{name}: {share:.1%} of the rows are quarantined; allowed: at most {limit:.1%} (`max_quarantined`)"
        )
    if stale:
        when = f"is of {latest:%Y-%m-%dT%H:%M:%SZ}" if latest is not None else "is missing: no row counts"
        allowed = f"at most {age:g} h before the cut-off (`max_age_hours`)"
        problems.append(f"{name}: the latest accepted datum {when}; allowed: {allowed}")
    said = replace(
        said,
        rows_accepted=int((~withheld).sum()),
        rows_quarantined=int(withheld.sum()),
        latest=None if latest is None else latest.to_pydatetime(),
        stale=stale,
        within_limit=share <= limit,
        problems=tuple(problems),
        unused=prepared.unused,
    )
    lost = prepared.matters & other & ~prepared.keep & ~source.is_header
    unplaced = frozenset(source.subject[lost].fillna("").unique())
    listed = list_withheld(source, prepared, judgements)
    return _Validated(said, results, listed, typed[keep], source, unplaced, prepared.added)


def _withheld(rows: int, judgements: Sequence[Judgement]) -> tuple[Flags, Flags, Flags]:
    """Return the rows withheld, those that lie after the cut-off, and those withheld for another reason."""
    future, other = np.zeros(rows, dtype=bool), np.zeros(rows, dtype=bool)
    for one in judgements:
        if one.check.severity == "quarantines":
            (future if one.check.name == FUTURE else other)[one.unexpected] = True
    return future | other, future, other


def _latest(source: Source, prepared: Prepared, accepted: Flags) -> pd.Timestamp | None:
    """Return the latest time, at or before the cut-off, of an accepted row or of its becoming known."""
    instants, setting = [prepared.known_until], source.setting
    if source.domain == "DM" and source.known_at:
        known = parse_stamps(source.text(source.known_at.upper()), prepared.typed["timezone"])
        instants.append(known["earliest"])
    elif source.known is not None:
        instants.append(source.known["earliest"])
    latest = [one[accepted & (one <= setting.data_cutoff).to_numpy()].max() for one in instants]
    return max((one for one in latest if not pd.isna(one)), default=None)


def _is_stale(name: str, latest: pd.Timestamp | None, age: float | None, cutoff: pd.Timestamp) -> bool:
    """Whether the latest datum is older than the protocol allows; DM describes people, without a time."""
    if age is None or (name == "DM" and latest is None):
        return False
    return latest is None or (cutoff - latest) > pd.Timedelta(hours=age)
