"""Decide, with Great Expectations, which rows of a table do not conform: the one place that calls it.

It is asked about facts, each once (``checks.validation.judged``): its cost is one for each expectation, and
a feed of many rows has few values. Three of its habits are met here. A table without rows passes every column
expectation: a check without rows to judge is not applicable. A missing column is an entry in the result, not
a raised error: it is told from a failure. Results carry raw values unless told otherwise: only the positions
of rows are asked for.
"""

import logging
import os
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.validation.catalogue import (
    Between,
    Check,
    Distinct,
    Exists,
    Filled,
    HasRows,
    Listed,
    OneOf,
    PartlyFilled,
    Rule,
)
from checks.validation.judged import (
    DOES_NOT,
    UNKNOWN,
    Answers,
    Column,
    Facts,
    Judged,
    Question,
    facts_of,
    question,
)
from checks.validation.results import Outcome

_ONE_AT_A_TIME: Final = Lock()
"""Great Expectations keeps its context in a variable of the whole process."""

_RESULT_FORMAT: Final = {
    "result_format": "COMPLETE",
    "exclude_unexpected_values": True,
    "partial_unexpected_count": 0,
    "return_unexpected_index_query": False,
}

_EXPECTATIONS: Final[Mapping[type[Rule], str]] = {
    OneOf: "ColumnValuesToBeInSet",
    Listed: "ColumnValuesToBeInSet",
    Between: "ColumnValuesToBeBetween",
    Distinct: "ColumnValuesToBeUnique",
    Filled: "ColumnValuesToNotBeNull",
    Exists: "ColumnToExist",
    HasRows: "TableRowCountToBeBetween",
    PartlyFilled: "ColumnProportionOfNonNullValuesToBeBetween",
}

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What Great Expectations says of one check on one column: the positions of rows that do not conform."""

    check: Check
    column: str
    outcome: Outcome
    unexpected: Positions
    denominator: int


def judge(
    table: pd.DataFrame,
    checks: Sequence[tuple[Check, str]],
    lists: Mapping[str, Sequence[str]],
    judged: Judged | None = None,
) -> tuple[Judgement, ...]:
    """Judge a table by checks of the catalogue.

    Parameters
    ----------
    table
        One row a record, with a plain index from 0; a missing value: the check does not concern the row.
    checks
        Each check with the column that it judges.
    lists
        What each ``Listed`` check compares with.
    judged
        What was judged before; what is judged now is added to it. It changes how often Great Expectations is
        asked, never what is returned.

    Returns
    -------
    tuple of Judgement
        One for each of ``checks``, in their order.
    """
    memory = Judged() if judged is None else judged
    asked = [question(check.rule, lists) for check, _ in checks]
    facts = [facts_of(table, check.rule, column) for check, column in checks]
    answers = _answers(asked, facts, memory)
    return tuple(
        _judgement(check, column, fact, answer)
        for (check, column), fact, answer in zip(checks, facts, answers, strict=True)
    )


def _answers(asked: Sequence[Question], facts: Sequence[Facts], memory: Judged) -> list[Answers]:
    """Return what holds of each fact of each check; what is not known yet is asked, each fact once."""
    known = [memory.recall(one, fact.values) for one, fact in zip(asked, facts, strict=True)]
    new: dict[Question, dict[Hashable, None]] = {}
    for one, fact, answer in zip(asked, facts, known, strict=True):
        for place in np.flatnonzero(answer == UNKNOWN).tolist():
            new.setdefault(one, {})[fact.values[place]] = None
    said = _ask({one: tuple(values) for one, values in new.items()})
    for one, values in said.items():
        memory.learn(one, tuple(values), tuple(values.values()))
    return [
        _told(fact.values, answer, said.get(one, {}))
        for one, fact, answer in zip(asked, facts, known, strict=True)
    ]


def _told(facts: Sequence[Hashable], known: Answers, said: Mapping[Hashable, bool]) -> Answers:
    """Return what was known, and what has been said now."""
    told = known.copy()
    for place in np.flatnonzero(known == UNKNOWN).tolist():
        told[place] = said.get(facts[place], UNKNOWN)
    return told


@dataclass(frozen=True, slots=True)
class _Sample:
    """Rows that show Great Expectations facts of one question: the fact of each row; no rows, no column."""

    asked: Question
    rows: Sequence[Any]
    shows: Sequence[Hashable]


def _samples(asked: Question, facts: Sequence[Hashable]) -> Iterator[_Sample]:
    """Return rows that show these facts: together, or apart where a table has but one."""
    rule = asked[0]
    there = [fact for fact in facts if fact is not Column.ABSENT]
    if len(there) < len(facts):
        yield _Sample(asked, (), (Column.ABSENT,))
    if isinstance(rule, Exists | HasRows | PartlyFilled):
        yield from (_Sample(asked, (1.0 if fact else np.nan,), (fact,)) for fact in there)
    elif isinstance(rule, Filled) and there:
        yield _Sample(asked, [1.0 if fact else np.nan for fact in there], there)
    elif isinstance(rule, Distinct) and there:
        rows = [float(times) for times in there if isinstance(times, int) for _ in range(times)]
        yield _Sample(asked, rows, rows)
    elif there:
        yield _Sample(asked, there, there)


def _ask(new: Mapping[Question, Sequence[Hashable]]) -> dict[Question, dict[Hashable, bool]]:
    """Return whether each fact conforms; a fact on which Great Expectations errs is left out."""
    samples = [sample for one, facts in new.items() for sample in _samples(one, facts)]
    without_rows = [isinstance(sample.asked[0], HasRows) and sample.shows == (False,) for sample in samples]
    said: dict[Question, dict[Hashable, bool]] = {}
    for rows in (False, True):
        some = [sample for sample, none in zip(samples, without_rows, strict=True) if none is not rows]
        for sample, result in zip(some, _validate(some, rows=rows), strict=True):
            said.setdefault(sample.asked, {}).update(_conforming(sample, result))
    return said


@cache
def _table_definition() -> tuple[Any, Any]:
    """Import Great Expectations, which takes 5 s, and tell it what a table is: once a process, for a look."""
    os.environ["GX_ANALYTICS_ENABLED"] = "False"  # it reads this once, on import: no usage data leaves
    import great_expectations

    # this one module sets its own level, and announces a temporary folder for every context
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
    gx: Any = great_expectations
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("feed").add_dataframe_asset("table")
    return gx, asset.add_batch_definition_whole_dataframe("all")


def _validate(samples: Sequence[_Sample], *, rows: bool) -> list[Any]:
    """Run one suite on one table that has a column for each sample; results in the order of the samples."""
    if not samples:
        return []
    columns = {str(place): pd.Series(list(one.rows)) for place, one in enumerate(samples) if len(one.rows)}
    table = pd.DataFrame({"row": [1.0]}).join(pd.DataFrame(columns), how="outer")
    with _ONE_AT_A_TIME:
        gx, definition = _table_definition()
        suite = gx.ExpectationSuite(
            name="checks",
            expectations=[
                getattr(gx.expectations, f"Expect{_EXPECTATIONS[type(one.asked[0])]}")(
                    meta={"position": place}, **_arguments(one.asked, str(place))
                )
                for place, one in enumerate(samples)
            ],
        )
        batch = definition.get_batch({"dataframe": table if rows else table.head(0)})
        validated = batch.validate(suite, result_format=_RESULT_FORMAT)
    # results lose the order of their expectations
    results = {result.expectation_config.meta["position"]: result for result in validated.results}
    return [results[place] for place in range(len(samples))]


def _arguments(asked: Question, column: str) -> dict[str, Any]:
    """Return what the expectation of a rule is told."""
    rule, listed = asked
    match rule:
        case OneOf(values):
            return {"column": column, "value_set": list(values)}
        case Listed():
            return {"column": column, "value_set": list(listed)}
        case Between(minimum, maximum):
            return {"column": column, "min_value": minimum, "max_value": maximum}
        case PartlyFilled():
            return {"column": column, "min_value": 0, "strict_min": True}
        case HasRows():
            return {"min_value": 1}
        case Distinct() | Filled() | Exists():
            return {"column": column}


def _conforming(sample: _Sample, result: Any) -> dict[Hashable, bool]:  # noqa: ANN401  untyped there
    """Return which facts of a sample conform; none where Great Expectations could not tell."""
    rule, details = sample.asked[0], result.result
    if isinstance(rule, Exists) or (details and isinstance(rule, HasRows | PartlyFilled)):
        return {sample.shows[0]: bool(result.success)}
    if not details:
        return {}
    # A sample shorter than the table is followed by blanks, which are no facts of its own.
    unexpected = set(details.get("unexpected_index_list") or [])
    return {fact: place not in unexpected for place, fact in enumerate(sample.shows)}


def _judgement(check: Check, column: str, facts: Facts, answers: Answers) -> Judgement:
    """Tell passed, failed, not applicable and error apart."""
    nothing = np.array([], dtype=np.int64)
    concerned = facts.codes >= 0
    if not concerned.any():
        return Judgement(check, column, "not_applicable", nothing, 0)
    if (answers == UNKNOWN).any():
        return Judgement(check, column, "error", nothing, 0)
    unexpected = np.flatnonzero(concerned & (answers[facts.codes] == DOES_NOT))
    outcome: Outcome = "failed" if len(unexpected) else "passed"
    if isinstance(check.rule, Exists | HasRows | PartlyFilled):
        unexpected = nothing
    return Judgement(check, column, outcome, unexpected, int(concerned.sum()))
