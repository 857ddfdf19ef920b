"""Decide which facts settle a check, and remember what Great Expectations said of each.

A row check judges single values: rows that share a value share their fate. So it is settled by one fact for
each row (the value; how often it occurs; whether there is one), and a check of the whole table by one fact of
the table. Each fact is judged once, and in a replay once for all its looks.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.validation.catalogue import Between, Distinct, Exists, Filled, HasRows, Listed, PartlyFilled, Rule

Codes = npt.NDArray[np.int64]
Answers = npt.NDArray[np.int8]
Question = tuple[Rule, tuple[str, ...]]
"""A rule, with the list that it compares with, if any: what it says of a fact depends on nothing else."""

CONFORMS: Final = 1
DOES_NOT: Final = 0
UNKNOWN: Final = -1


class Column(Enum):
    """The one fact of a check whose column the table does not have; no value is equal to it."""

    ABSENT = auto()


ONCE, REPEATED = 1, 2
"""How often a value occurs, as far as it matters to ``Distinct``."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What settles one check: ``codes`` gives each row its place in ``values``, -1 where it is not concerned.

    A check of the whole table has one code, its own.
    """

    codes: Codes
    values: Sequence[Hashable]


def question(rule: Rule, lists: Mapping[str, Sequence[str]]) -> Question:
    """Return what a check asks of each of its facts."""
    return rule, tuple(lists[rule.name]) if isinstance(rule, Listed) else ()


def facts_of(table: pd.DataFrame, rule: Rule, column: str) -> Facts:
    """Return the facts that settle one check on one column."""
    if isinstance(rule, HasRows):
        return _of_table(len(table) > 0)
    if isinstance(rule, Exists):
        return _of_table(True if column in table.columns else Column.ABSENT)
    if not len(table):
        return Facts(np.array([], dtype=np.int64), ())
    if column not in table.columns:
        return _of_table(Column.ABSENT)
    return _of_rows(table[column], rule)


def _of_table(fact: Hashable) -> Facts:
    return Facts(np.zeros(1, dtype=np.int64), (fact,))


def _of_rows(values: pd.Series, rule: Rule) -> Facts:
    filled = values.notna().to_numpy(dtype=bool)
    if isinstance(rule, PartlyFilled):
        return _of_table(bool(filled.any()))
    if isinstance(rule, Filled):
        return _named(filled, np.ones(len(filled), dtype=bool), (False, True))
    if isinstance(rule, Distinct):
        return _named(values.duplicated(keep=False).to_numpy(), filled, (ONCE, REPEATED))
    codes, distinct = pd.factorize(values)
    return Facts(codes.astype(np.int64), distinct.tolist())


def _named(second: npt.NDArray[np.bool_], among: npt.NDArray[np.bool_], facts: Sequence[Hashable]) -> Facts:
    """Return which of two facts holds of each row; only a fact that occurs is asked about."""
    codes = np.where(among, second.astype(np.int64), -1)
    occur = [code for code in (0, 1) if (codes == code).any()]
    places = np.array([*(occur.index(code) if code in occur else -1 for code in (0, 1)), -1], dtype=np.int64)
    return Facts(places[codes], [facts[code] for code in occur])


@dataclass(slots=True)
class _Range:
    """What is known of a rule that one range of numbers meets.

    What lies between two numbers that conform conforms; what lies beyond one that does not, does not.
    """

    lowest: float = np.inf
    highest: float = -np.inf
    too_low: float = -np.inf
    too_high: float = np.inf

    def recall(self, numbers: npt.NDArray[np.float64]) -> Answers:
        inside = (numbers >= self.lowest) & (numbers <= self.highest)
        outside = (numbers <= self.too_low) | (numbers >= self.too_high)
        return np.select([inside, outside], [CONFORMS, DOES_NOT], UNKNOWN).astype(np.int8)

    def learn(self, rule: Between, numbers: npt.NDArray[np.float64], conform: npt.NDArray[np.bool_]) -> None:
        good, bad = numbers[conform], numbers[~conform]
        if len(good):
            self.lowest = min(self.lowest, -np.inf if rule.minimum is None else good.min())
            self.highest = max(self.highest, np.inf if rule.maximum is None else good.max())
        if rule.minimum is None:
            self.too_high = min(self.too_high, bad.min(initial=np.inf))
        elif rule.maximum is None:
            self.too_low = max(self.too_low, bad.max(initial=-np.inf))
        elif self.lowest <= self.highest:  # only a number inside tells on which side another lies
            self.too_low = max(self.too_low, bad[bad < self.lowest].max(initial=-np.inf))
            self.too_high = min(self.too_high, bad[bad > self.highest].min(initial=np.inf))


@dataclass(slots=True)
class Judged:
    """What Great Expectations has said so far; kept through a replay, it is asked only about what is new."""

    _values: dict[Question, dict[Hashable, bool]] = field(default_factory=dict)
    _ranges: dict[Question, _Range] = field(default_factory=dict)

    def recall(self, asked: Question, facts: Sequence[Hashable]) -> Answers:
        """Return what is known of each fact: ``CONFORMS``, ``DOES_NOT`` or ``UNKNOWN``."""
        if isinstance(asked[0], Between) and Column.ABSENT not in facts:
            known = self._ranges.get(asked, _Range())
            return known.recall(np.asarray(facts, dtype=np.float64))
        values = self._values.get(asked, {})
        return np.array([values.get(fact, UNKNOWN) for fact in facts], dtype=np.int8)

    def learn(self, asked: Question, facts: Sequence[Hashable], conform: Sequence[bool]) -> None:
        """Remember what was said of each fact."""
        rule = asked[0]
        if isinstance(rule, Between):
            numbers = np.asarray(facts, dtype=np.float64)
            self._ranges.setdefault(asked, _Range()).learn(rule, numbers, np.asarray(conform, dtype=bool))
        else:
            self._values.setdefault(asked, {}).update(zip(facts, conform, strict=True))
