"""What a feed's judgements say: of each check its outcome and counts, of each withheld row every reason.

Both are in the study team's words, and hold nothing that tells the arm.
"""

from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.forms import meant
from checks.quoting import Quotes, unquoted
from checks.tables import QUARANTINE, WITHHELD, Feed, tells_arm
from checks.validation.catalogue.check import Check
from checks.validation.judging import NO_ROWS, Judgement
from checks.validation.prepared_table import shown_of
from checks.validation.raw import Prepared, Shown, Source
from checks.validation.results import CheckResult, Outcome
from checks.validation.values import BLANK
from checks.validation.whereabouts import place_of

_ALLOWED: Final = (
    "an expectation of columns that the feed has, of a kind that their values bear, and to quarantine rows "
    "one that judges rows"
)

_MAY_BE_MEANT: Final = frozenset({"time_readable", "end_readable", "value_readable"})
"""Checks of texts of which the listing shows what they would be, if they are written in another way."""


def delivery_results(domain: str, feed: Feed) -> tuple[CheckResult, ...]:
    """Say what readers took in another way than as a table of one row a record, if they did."""
    remarks = [(one.called, remark) for one in feed.deliveries for remark in one.remarks]
    if not remarks:
        return ()
    files, said = len({called for called, _ in remarks}), "; ".join(": ".join(one) for one in remarks)
    counted = (files, len(feed.deliveries))
    return (
        CheckResult(
            domain, "file_is_a_table", "conformance", "warns", "failed", *counted, f"{domain}: {said}"
        ),
    )


def undelivered_results(missing: pd.DataFrame, told: int) -> tuple[CheckResult, ...]:
    """Say which doses (rows of ``ADMINISTRATIONS``) other feeds tell of ``told``, and EX does not have, if any."""
    if not len(missing):
        return ()
    columns = ", ".join(f"{name}: {number}" for name, number in missing["EXSEQ"].value_counts().items())
    message = (
        f"EX: doses told elsewhere on a day without a row in EX: {len(missing)} of {told} doses told, of "
        f"{missing['USUBJID'].nunique()} subjects ({columns}). Each counts in the worst case. Ask the sender for the "
        "rows, or correct the dates"
    )
    found: Outcome = "failed"
    return (
        CheckResult("EX", "doses_delivered", "completeness", "warns", found, len(missing), told, message),
    )


def structure_results(domain: str, judgements: Sequence[Judgement]) -> tuple[CheckResult, ...]:
    """Say of the feed as a whole what each check of its structure says of its columns."""
    absent = {column for one in judgements if not one.check.columns for column in one.missing}
    return tuple(_structure_result(domain, _of_present(one, absent)) for one in judgements)


def _of_present(judgement: Judgement, absent: Set[str]) -> Judgement:
    """Return a judgement of the needed columns without those that are absent: they cannot be blank."""
    if judgement.outcome != "failed" or absent.isdisjoint(judgement.check.columns):
        return judgement
    blank = tuple(column for column in judgement.missing if column not in absent)
    present = judgement.denominator - len(absent)
    outcome: Outcome = "failed" if blank else "passed" if present else "not_applicable"
    return replace(judgement, outcome=outcome, numerator=len(blank), denominator=present, missing=blank)


def _structure_result(domain: str, judgement: Judgement) -> CheckResult:
    check, message = judgement.check, _fault(domain, [judgement])
    if judgement.outcome == "failed":
        message = f"{domain}: {check.sentence(', '.join(judgement.missing), '')}"
    return _check_result(domain, check, judgement.outcome, [judgement], message)


def row_results(
    source: Source, prepared: Prepared, judgements: Sequence[Judgement]
) -> tuple[CheckResult, ...]:
    """Say of each check how many rows did not conform: one may be several expectations, as of each vital."""
    checks: dict[tuple[str, str], list[Judgement]] = {}
    for one in judgements:
        checks.setdefault((one.check.file, one.check.name), []).append(one)
    return tuple(_row_result(source, prepared, some) for some in checks.values())


def _row_result(source: Source, prepared: Prepared, judgements: Sequence[Judgement]) -> CheckResult:
    """Say how many rows did not conform to one check, in the study team's words."""
    domain, check, outcome = source.domain, judgements[0].check, _worst(judgements)
    result = _check_result(domain, check, outcome, judgements, _fault(domain, judgements))
    if outcome == "failed":
        rows = np.unique(np.concatenate([one.unexpected for one in judgements]))
        column = shown_of(check, source, prepared).column if check.columns else ""
        names = column if isinstance(column, str) else " or ".join(sorted(column.iloc[rows].unique()))
        states = ""
        if check.names_reason:
            found = prepared.judged[check.columns[0]].iloc[rows].astype("str").value_counts()
            states = " or ".join(sorted(found.index, key=lambda one: (-found[one], one)))
        counts = f"{check.numerator}: {result.numerator} of {result.denominator} {check.denominator}"
        said = check.sentence(names, states)
        message = f"{domain}: {counts}. {said}"
        return replace(result, message=message, place=_place(source, column, rows))
    return result


def _place(source: Source, column: "str | pd.Series[str]", rows: npt.NDArray[np.int64]) -> str:
    """Say where the rows are, if it is rows that failed; not of a column whose values would tell the arm."""
    names = {column} if isinstance(column, str) else set(column.iloc[rows].unique())
    telling = WITHHELD in names or any(map(tells_arm, names))
    return "" if telling or not len(rows) else place_of(source.provenance.iloc[rows])


def _worst(judgements: Sequence[Judgement]) -> Outcome:
    """Return the outcome of a check: error before failed before passed before not applicable."""
    outcomes = {one.outcome for one in judgements}
    order: tuple[Outcome, ...] = ("error", "failed", "passed")
    return next((outcome for outcome in order if outcome in outcomes), "not_applicable")


def _fault(domain: str, judgements: Sequence[Judgement]) -> str:
    """Say why a check could not be run; empty where it could."""
    for one in judgements:
        if one.outcome == "error" and not one.check.file:
            return f"{domain}: the check {one.check.name} could not be run. Report this as a defect"
        if one.outcome == "error":
            found = "a failure without rows to withhold" if one.fault == NO_ROWS else one.fault
            # one without a name of its own is called by its file and its place there
            named = one.check.name.replace(f"{one.check.file} ", "expectation ")
            return f"{domain}: {one.check.file}, {named}: found {found}; allowed: {_ALLOWED}"
    return ""


def _check_result(
    domain: str, check: Check, outcome: Outcome, judgements: Sequence[Judgement], message: str
) -> CheckResult:
    counted = judgements if outcome in ("passed", "failed") else ()
    return CheckResult(
        domain,
        check.name,
        check.category,
        check.severity,
        outcome,
        sum(one.numerator for one in counted),
        sum(one.denominator for one in counted),
        message,
    )


def list_withheld(source: Source, prepared: Prepared, judgements: Sequence[Judgement]) -> pd.DataFrame:
    """Return the QUARANTINE table of one feed: one row for each reason, by subject and then in their order.

    A file may be sorted by arm, so the order of its subjects is not kept.
    """
    reasons = [
        _reasons(source, prepared, one)
        for one in judgements
        if one.check.severity == "quarantines" and len(one.unexpected)
    ]
    if not reasons:
        return QUARANTINE.empty()
    listed = pd.concat(reasons).sort_index(kind="stable")
    return QUARANTINE.conform(listed.sort_values("USUBJID", kind="stable"))


def _reasons(source: Source, prepared: Prepared, judgement: Judgement) -> pd.DataFrame:
    rows = judgement.unexpected
    shown = shown_of(judgement.check, source, prepared)
    column = shown.column
    column = pd.Series(column, rows, dtype="str") if isinstance(column, str) else column.iloc[rows]
    may_be_meant = judgement.check.name in _MAY_BE_MEANT
    found = _found(shown, column, rows, source.quotes, meant if may_be_meant else str)
    found = found.mask(column.map(tells_arm), WITHHELD)
    states = _states(prepared, judgement)
    pairs = list(zip(column, states, strict=True))
    messages = {pair: judgement.check.sentence(*pair) for pair in set(pairs)}
    return source.provenance.iloc[rows].assign(
        domain=source.domain,
        USUBJID=_quoted(source.subject.iloc[rows], "USUBJID", source.quotes, str),
        record=f"{source.domain}SEQ=" + source.record.iloc[rows],
        check=judgement.check.name,
        column=column,
        found=found,
        message=[messages[pair] for pair in pairs],
    )


def _found(
    shown: Shown,
    column: "pd.Series[str]",
    rows: npt.NDArray[np.int64],
    quotes: Quotes,
    also: Callable[[str], str],
) -> "pd.Series[str]":
    """Return the text as delivered, with its unit where it has one; no word that belongs in another column."""
    text = shown.text.iloc[rows]
    if shown.unit is None:
        each = [_quoted(text[column == name], str(name), quotes, also) for name in column.unique()]
        return pd.concat(each).reindex(text.index).fillna(BLANK)
    text = _quoted(text, "ORRES", quotes, also).fillna("")
    unit = _quoted(shown.unit.iloc[rows], "ORRESU", quotes, str).fillna("")
    text = text.str.cat(unit, sep=" ").str.strip()
    return text.mask(text == "").fillna(BLANK)


def _quoted(
    texts: "pd.Series[str]", column: str, quotes: Quotes, also: Callable[[str], str]
) -> "pd.Series[str]":
    """Return each text as it may be shown, with what ``also`` says of one that is."""
    if column == WITHHELD:
        return texts
    shown = {
        text: also(text) if quotes.may(text, column) else unquoted(text, column)
        for text in texts.dropna().unique()
    }
    return texts.map(shown).astype("str")


def _states(prepared: Prepared, judgement: Judgement) -> "pd.Series[str]":
    """Return the state of each of the rows, where the message names it: never a value."""
    rows = judgement.unexpected
    if not judgement.check.names_reason:
        return pd.Series("", index=rows, dtype="str")
    (column,) = judgement.check.columns
    return prepared.judged[column].iloc[rows].astype("str")
