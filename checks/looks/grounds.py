"""What each signal rests on, by subject, dose and row, and which datum took it back."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import pandas as pd

from checks.cases import Case
from checks.cases.charts import event_labels, measurement_labels
from checks.cases.evidence import subjects_in_order
from checks.cases.measured_onsets import Why
from checks.criteria import Amounts
from checks.rules import KINDS, RuleResult
from checks.rules.kinds.lab_limit import LabLimitRule
from checks.rules.rule import Json
from checks.signals import Ground, Grounds, Signal, untrusted_feeds
from checks.stamps import stamp

if TYPE_CHECKING:
    from checks.looks.path import Look


def grounds_of(look: "Look") -> Grounds:
    """Return what a look says of the grounds of signals."""
    return Grounds(
        stamp(look.data_cutoff),
        look.protocol.sha256,
        {result.id: tuple(_rests_on(result, look)) for result in look.rules},
        lambda signal: tuple(_taken_back(signal, look)),
    )


def _rests_on(result: RuleResult, look: "Look") -> Iterator[Ground]:
    """Yield what the main answer of a rule counts."""
    if "rests_on" in result.detail:
        yield from _scored(result, look)
    elif KINDS[result.kind].rests_on_cases:
        yield from (_ground(case) for case in look.cases if _counts(case, result))
    else:
        yield from _above_limit(result, look)


def _ground(case: Case) -> Ground:
    evidence = tuple(label for part in case.components.values() for label in part.evidence)
    return Ground(case.USUBJID, case.dose_number, evidence, case.provisional)


def _counts(case: Case, result: RuleResult) -> bool:
    """Whether a rule counts a case: one of the risk window, or of the window that a scan found."""
    window = result.window_hours
    if window is None or case.hour is None:
        return case.in_risk_window == "yes"
    return case.certainty == "definite" and window[0] <= case.hour <= window[1]


def _scored(result: RuleResult, look: "Look") -> Iterator[Ground]:
    names = subjects_in_order(look.findings, look.validation.unplaced)
    for one in cast("Sequence[Mapping[str, Json]]", result.detail["rests_on"]):
        yield Ground(names[cast("int", one["subject"])], cast("int", one["dose_number"]))


def _above_limit(result: RuleResult, look: "Look") -> Iterator[Ground]:
    """Yield the subjects with a result above the limit after their first dose, and the rows that show it."""
    rule = next(one for one in look.protocol.rules if one.id == result.id)
    if not isinstance(rule, LabLimitRule):
        return
    first = look.doses.groupby("USUBJID")["start_latest"].min()
    rows = look.validation.measurements
    rows = rows[(rows["domain"] == "LB") & (rows["test"] == rule.test) & rows["trusted"]]
    rows = rows[rows["USUBJID"].isin(first.index)]
    after = rows["earliest"] >= first.loc[rows["USUBJID"]].set_axis(rows.index)
    above = rows[after & (rows["value"] > rule.above_times_uln * rows["upper_limit"])]
    labels = measurement_labels(above).groupby(above["USUBJID"]).agg(tuple)
    yield from (Ground(str(subject), None, evidence) for subject, evidence in labels.items())


def _taken_back(signal: Signal, look: "Look") -> Iterator[str]:
    """Yield what took back each ground of a signal.

    Nothing is taken back by a feed that cannot be trusted, nor by a protocol that has changed: it may call by
    another name what is still there.
    """
    result = next(one for one in look.rules if one.id == signal.rule)
    if signal.protocol_sha256 != look.protocol.sha256 or not _trustworthy(result, look):
        return
    changed = look.changes[look.changes["known_at"] > pd.Timestamp(signal.crossed_at)]
    for ground in signal.rests_on:
        of_subject = changed[changed["USUBJID"] == ground.USUBJID]
        if not ground.evidence:  # of severity: the whole chart
            gone = not of_subject[of_subject["domain"].isin(("VS", "EX"))].empty
        else:
            gone = not any(_same(ground, now) for now in _counted(result, look))
        if gone:
            yield _reason(ground, of_subject, look)


def _trustworthy(result: RuleResult, look: "Look") -> bool:
    if not KINDS[result.kind].rests_on_cases:
        return all(feed.trustworthy for feed in look.feeds if feed.domain in ("DM", "EX", "LB"))
    of_tests = {domain for domain, _ in look.protocol.case_definition.tests}
    asked = [feed for feed in look.feeds if feed.domain in of_tests]
    return not untrusted_feeds(look.feeds) and all(feed.trustworthy for feed in asked)


def _counted(result: RuleResult, look: "Look") -> Iterator[Ground]:
    """Yield what could be a ground of a rule now, crossed or not; a scan may have found any window."""
    if KINDS[result.kind].rests_on_cases and result.method == "scan":
        return (_ground(case) for case in look.cases if case.certainty == "definite")
    return _rests_on(result, look)


def _same(ground: Ground, now: Ground) -> bool:
    if ground.USUBJID != now.USUBJID:
        return False
    shared = frozenset(ground.evidence) & frozenset(now.evidence)
    return bool(shared) or (ground.dose_number is not None and ground.dose_number == now.dose_number)


def _reason(ground: Ground, changed: pd.DataFrame, look: "Look") -> str:
    """Return what took a ground back: its own row, the value that contradicts it, its quarantine, or another row."""
    where = f", dose {ground.dose_number}" if ground.dose_number is not None else ""
    case = f"{ground.USUBJID}{where}"
    labels = changed["domain"] + ":" + changed["record"]
    cited = changed[labels.isin(ground.evidence)]
    withheld = look.quarantine[look.quarantine["USUBJID"] == ground.USUBJID]
    held = withheld[(withheld["domain"] + ":" + withheld["record"]).isin(ground.evidence)]
    if not cited.empty:
        return f"{case}: {_changed(cited)}."
    if not held.empty:
        row = held.iloc[0]
        return f"{case}: {row['domain']}:{row['record']} is in quarantine ({row['message']})."
    contradiction = _contradiction(ground, look)
    if contradiction is not None:
        return f"{case}: {contradiction}."
    now = next((one for one in look.cases if _is_of(ground, one)), None)
    for said in () if now is None else _in_washout(now, look):
        return f"{case}: {said} lies in the washout before it."
    if not changed.empty:
        return f"{case}: {_changed(changed)}."
    return f"{case}: {_otherwise(ground, now, look)}."


def _is_of(ground: Ground, case: Case) -> bool:
    return case.USUBJID == ground.USUBJID and not frozenset(_ground(case).evidence).isdisjoint(
        ground.evidence
    )


def _changed(rows: pd.DataFrame) -> str:
    """Return in words how the newest of some rows was changed."""
    row = rows.sort_values("known_at", kind="stable").iloc[-1]
    label = f"{row['domain']}:{row['record']}"
    if row["kind"] != "corrected":
        return f"{label} was {row['kind']}"
    return f"{label} was corrected: {row['variable']} was {row['before']} and is {row['after']}"


def _contradiction(ground: Ground, look: "Look") -> str | None:
    """Return the next value of a test that contradicts the one on which a provisional case rested; else None."""
    mine, definition = _measured(ground, look), look.protocol.case_definition
    shown = mine[mine["label"].isin(ground.evidence) & ground.provisional]
    for domain, test, at, label in zip(
        shown["domain"], shown["test"], shown["earliest"], shown["label"], strict=True
    ):
        until = at + pd.Timedelta(hours=definition.hours_of((domain, test)).confirm)
        of_test = (mine["domain"] == domain) & (mine["test"] == test)
        following = mine[of_test & (mine["earliest"] > at) & (mine["earliest"] <= until)].head(1)
        for said in _normal(following, look):
            return f"{said} contradicts {label}, on which the provisional case rested"
    return None


def _otherwise(ground: Ground, now: Case | None, look: "Look") -> str:
    """Return what a row is now that showed a case, where no delivery says how it was changed."""
    mine, events = _measured(ground, look), look.validation.adverse_events
    known = {*mine["label"], *event_labels(events[events["USUBJID"] == ground.USUBJID])}
    gone = [label for label in ground.evidence if label not in known]
    if gone:
        return f"{gone[0]} is in the feed no more"
    shown = mine[mine["label"].isin(ground.evidence)]
    for said in _normal(shown, look):
        return f"{said} shows it no more"
    for label in shown.loc[shown["earliest"] < shown["latest"], "label"]:
        return f"{label} has no clock time any more"
    return _of_its_dose(ground, look) or _where_it_lies(ground, now, look)


def _of_its_dose(ground: Ground, look: "Look") -> str | None:
    """Return what became of the doses of a subject, where no case of it can be listed any more; else None."""
    held = look.quarantine[look.quarantine["USUBJID"] == ground.USUBJID]
    for record, message in held.loc[held["domain"] == "EX", ["record", "message"]].itertuples(index=False):
        return f"EX:{record} is in quarantine ({message})"
    doses = look.doses[(look.doses["USUBJID"] == ground.USUBJID) & look.doses["trusted"]]
    if doses.empty:
        return "EX tells of no dose of it any more"
    coarse = doses[doses["start_earliest"] < doses["start_latest"]]
    for rows in coarse["EXSEQ"]:
        return f"EX:EXSEQ={rows} has no clock time any more"
    return None


def _where_it_lies(ground: Ground, now: Case | None, look: "Look") -> str:
    """Return under which dose, and by which row of EX, a case is found now."""
    doses = look.doses[look.doses["USUBJID"] == ground.USUBJID].sort_values("start_earliest")
    dose = doses.iloc[0] if now is None else doses[doses["dose_number"] == now.dose_number].iloc[0]
    given = f"EX:EXSEQ={dose['EXSEQ']} at {stamp(dose['start_earliest'])}"
    if now is None:
        return f"no such case lies after {given}"
    low, high = now.onset_hours
    return f"{given} has it between hours {low:g} and {high:g}, {now.certainty}"


def _in_washout(case: Case, look: "Look") -> Iterator[str]:
    """Yield what showed a component before an onset of it that is possible for this alone, by row."""
    for name, part in case.components.items():
        if case.why[name] == Why.BACK:
            yield from _before(name, part.onset_hours[1], case, look)


def _before(name: str, hour: float, case: Case, look: "Look") -> Iterator[str]:
    """Yield what showed a component in the washout before its onset: the last measurement, or a report."""
    definition = look.protocol.case_definition
    seen, washout = case.dose_start + pd.Timedelta(hours=hour), pd.Timedelta(hours=definition.washout_hours)
    component, own = definition.components[name], case.components[name].evidence
    mine = _measured(_ground(case), look)
    mine = mine[(mine["earliest"] >= seen - washout) & (mine["latest"] < seen) & ~mine["label"].isin(own)]
    for place in reversed(mine.index):
        row = mine.loc[[place]]
        amounts = Amounts(row["value"].to_numpy(), row["upper_limit"].to_numpy())
        (domain,), (test,) = row["domain"], row["test"]
        if any(one.within_bound(amounts).any() for one in component.measured if one.test == (domain, test)):
            yield f"{row['label'].iloc[0]} ({test} {row['value'].iloc[0]:g} at {stamp(row['earliest'].iloc[0])})"
    events = look.validation.adverse_events
    told = events[(events["USUBJID"] == case.USUBJID) & events["trusted"] & (events["earliest"] < seen)]
    told = told[told["term"].isin(component.terms) | told["verbatim"].isin(component.terms)]
    told = told[told["ends_latest"].isna() | (told["ends_latest"] > seen - washout)]
    labels = event_labels(told)
    yield from (
        f"{label} from {stamp(at)}"
        for label, at in zip(labels, told["earliest"], strict=True)
        if label not in own
    )


def _measured(ground: Ground, look: "Look") -> pd.DataFrame:
    """Return the measurements of a subject in order of time, each with the label that evidence has for it."""
    rows = look.validation.measurements
    mine = rows[(rows["USUBJID"] == ground.USUBJID) & rows["trusted"]]
    return mine.assign(label=measurement_labels(mine)).sort_values("earliest", kind="stable")


def _normal(rows: pd.DataFrame, look: "Look") -> Iterator[str]:
    """Yield each measurement that is within no bound of the case definition, as it reads."""
    components = look.protocol.case_definition.components.values()
    criteria = [one for component in components for one in component.measured]
    for place, domain, test in zip(rows.index, rows["domain"], rows["test"], strict=True):
        row = rows.loc[[place]]
        amounts = Amounts(row["value"].to_numpy(), row["upper_limit"].to_numpy())
        if not any(one.within_bound(amounts).any() for one in criteria if one.test == (domain, test)):
            (value,), (when,), (label,) = row["value"], row["earliest"], row["label"]
            yield f"{label} ({test} {value:g} at {stamp(when)})"
