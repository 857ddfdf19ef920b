"""One suite run on one prepared table by a Great Expectations checkpoint: the one module that imports it.

The checkpoint counts; its action asks again, of the expectations that failed, which rows they are, and keeps both.
Habits of Great Expectations that are met here: a missing column, or an expectation that raises, is an entry in the
result and no error; a table without rows passes every expectation of a column; results come in another order, and
carry values of rows unless they are told not to (an aggregate's ``observed_value`` whatever it is told); an
expectation belongs to one suite; the context is a variable of the whole process, and keeps every result; an
expectation makes its configuration anew whenever it is asked for, some 77 times in a run.

Import it by ``judging.great_expectations``, which sees to it that no usage data leaves.
"""

import json
import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import asdict, replace
from functools import cache, lru_cache
from itertools import count
from string import Template
from threading import Lock
from typing import Any, Final, Literal

import great_expectations as gx
import pandas as pd
from great_expectations.checkpoint.actions import ValidationAction
from great_expectations.data_context.store.validation_results_store import ValidationResultsStore
from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults
from great_expectations.exceptions.exceptions import GreatExpectationsError
from great_expectations.expectations.expectation import (
    ColumnMapExpectation,
    ColumnPairMapExpectation,
    MulticolumnMapExpectation,
)
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.registry import get_expectation_impl
from pydantic.v1 import PrivateAttr

from checks.validation.results import ExpectationConfig

_ONE_AT_A_TIME: Final = Lock()
_NUMBERS: Final = count(1)

_WITHOUT_VALUES: Final = {
    "exclude_unexpected_values": True,
    "partial_unexpected_count": 0,
    "return_unexpected_index_query": False,
}
_COUNTS: Final = {"result_format": "BASIC", **_WITHOUT_VALUES}
_POSITIONS: Final = {"result_format": "COMPLETE", **_WITHOUT_VALUES}

_OF_ROWS: Final = (ColumnMapExpectation, ColumnPairMapExpectation, MulticolumnMapExpectation)

Result = Any
"""A result of Great Expectations, which declares no types that strict mode can read."""


class Quarantine(ValidationAction):
    """Finds the rows of the expectations that failed: ``found`` has counts and positions of each, by its place."""

    type: Literal["postdose_quarantine"] = "postdose_quarantine"
    _table: Any = PrivateAttr(default=None)
    _reads: Sequence[Sequence[str]] = PrivateAttr(default=())
    _found: dict[int, Result] = PrivateAttr(default_factory=dict)

    def prepare(self, table: pd.DataFrame | None, reads: Sequence[Sequence[str]] = ()) -> None:
        """Take the table on which the checkpoint is about to run, and the columns that each expectation reads."""
        self._table, self._reads, self._found = table, reads, {}

    def run(self, checkpoint_result: Any, action_context: Any = None) -> dict[str, int]:  # noqa: ANN401
        """Keep what the checkpoint says, and ask for the positions of the rows that failed."""
        (counted,) = checkpoint_result.run_results.values()
        found = {place_of(one): one for one in counted.results}
        failed = {place: one for place, one in found.items() if one.result.get("unexpected_count")}
        if failed:
            found |= {place_of(one): one for one in self._located(failed)}
        self._found = found
        return {"failed": len(failed)}

    def _located(self, failed: Mapping[int, Result]) -> Sequence[Result]:
        """Ask again for the rows, on no more columns than it takes: Great Expectations copies all that there are."""
        expectations = [copy(one.expectation_config.to_domain_obj()) for one in failed.values()]
        again = gx.ExpectationSuite(name="rows that failed", expectations=expectations)
        read = {name for place in failed for name in self._reads[place]}
        batch = _context()[1].get_batch({"dataframe": self._table.loc[:, self._table.columns.isin(read)]})
        located: Sequence[Result] = batch.validate(again, result_format=_POSITIONS).results
        return located

    @property
    def found(self) -> Mapping[int, Result]:
        """The result of each expectation, by its place in the suite."""
        return self._found


class _Settled:
    """What no one changes once it was added.

    Great Expectations compares it and its suite, expectation by expectation, with what was added, four times a run: a
    fifth of the time of a small feed. Here that is done in its first run, and no more.
    """

    _fresh: Any

    def is_fresh(self) -> Any:  # noqa: ANN401 - untyped there
        """Say whether it is what was added, as it was found to be the first time."""
        if self._fresh is None or not self._fresh.success:
            self._fresh = super().is_fresh()  # type: ignore[misc]  # of the class that this is mixed into
        return self._fresh


class _SettledDefinition(_Settled, gx.ValidationDefinition):
    _fresh: Any = PrivateAttr(default=None)


class _SettledCheckpoint(_Settled, gx.Checkpoint):
    _fresh: Any = PrivateAttr(default=None)


class _KeepsNothing(ValidationResultsStore):
    """A store of results without results: what is written of them is made by ``judging``, free of values."""

    def store_validation_results(self, *_args: object, **_named: object) -> bool:
        """Let a result go."""
        return True


@cache
def _settled(kind: Any) -> Any:  # noqa: ANN401 - untyped there
    """Return a kind of expectation whose configuration is made once: a third of the time of a small feed.

    Every metric makes the expectation anew of its configuration, only to read it: here that is the one it is of.
    """

    def configuration(self: Any) -> Any:  # noqa: ANN401 - untyped there
        if self._made is None or self._made.id != self.id:
            self._made = kind.configuration.fget(self)
            self._made.to_domain_obj = lambda: self
        return self._made

    body = {"_made": PrivateAttr(default=None), "configuration": property(configuration)}
    return type(kind)(f"{kind.__name__}Settled", (kind,), body | {"__module__": __name__})


def place_of(result: Result) -> int:
    """Return the place in its suite of the expectation that a result is of."""
    return int(result.expectation_config.meta["place"])


def expectation_of(config: Mapping[str, object]) -> Any:  # noqa: ANN401 - untyped there
    """Make an expectation from its JSON form.

    Raises
    ------
    ValueError
        When there is no such type, or it has not these arguments.
    """
    try:
        return ExpectationConfiguration(**config).to_domain_obj()  # type: ignore[arg-type]  # judged there
    except (GreatExpectationsError, TypeError, ValueError) as error:
        raise ValueError(re.sub(r"\s+", " ", str(error)).strip()) from error


def _settled_expectation(config: Mapping[str, str]) -> Any:  # noqa: ANN401 - untyped there
    kind = _settled(get_expectation_impl(config["type"]))
    return expectation_of({**config, "type": kind.expectation_type})


def judges_rows(expectation: object) -> bool:
    """Whether an expectation says of each row whether it conforms; others judge the table or a whole column."""
    return isinstance(expectation, _OF_ROWS)


def sentence_of(expectation: Any) -> str:  # noqa: ANN401 - untyped there
    """Say in Great Expectations' words what an expectation expects."""
    expectation.render()
    values = [one.value for one in expectation.rendered_content or ()]
    filled = [
        Template(value.template).safe_substitute(
            {name: one["value"] for name, one in (value.params or {}).items()}
        )
        for value in values
        if value.template
    ]
    return re.sub(r"\s+", " ", " ".join(filled)).strip()


def suite_text(name: str, configs: Sequence[ExpectationConfig], notes: str) -> str:
    """Write a suite as Great Expectations writes it."""
    expectations = [expectation_of(asdict(one)) for one in configs]
    suite = gx.ExpectationSuite(name=name, expectations=expectations, notes=notes)
    return json.dumps(suite.to_json_dict(), indent=2, ensure_ascii=False) + "\n"


def run(
    name: str, configs: Sequence[ExpectationConfig], reads: Sequence[Sequence[str]], table: pd.DataFrame
) -> Mapping[int, Result]:
    """Return the result of each expectation on a table with a plain index from 0, by its place in the suite.

    ``reads`` are the columns that each of them reads; those that the table lacks are told in their results.
    """
    # what ``meta`` says besides is not needed here, and Great Expectations copies it dozens of times
    placed = [asdict(replace(one, meta={"place": str(place)})) for place, one in enumerate(configs)]
    with _ONE_AT_A_TIME:
        checkpoint = _checkpoint(name, json.dumps(placed))
        (action,) = checkpoint.actions
        action.prepare(table, reads)
        checkpoint.run(batch_parameters={"dataframe": table})
        found: Mapping[int, Result] = action.found
        action.prepare(None)  # the table is not kept
        return found


@cache
def _context() -> tuple[Any, Any]:
    """Return a context that lives in memory, and what a table is to it."""
    # without this it makes a temporary folder for pages that nobody asks for
    config = DataContextConfig(store_backend_defaults=InMemoryStoreBackendDefaults())
    context: Any = gx.get_context(mode="ephemeral", project_config=config)
    context.stores[context.validation_results_store_name] = _KeepsNothing()
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("feed").add_dataframe_asset("table")
    return context, asset.add_batch_definition_whole_dataframe("all")


@lru_cache(maxsize=64)
def _checkpoint(name: str, text: str) -> Any:  # noqa: ANN401 - untyped there
    """Return the checkpoint of a suite: the suite, what validates a table by it, and our action behind it."""
    context, definition = _context()
    named = f"{name} {next(_NUMBERS)}"  # to add what is new takes a quarter of the time of an update
    expectations = [_settled_expectation(one) for one in json.loads(text)]
    suite = context.suites.add(gx.ExpectationSuite(name=named, expectations=expectations))
    # what ``add`` returns is another object, of Great Expectations' own class
    validation = _SettledDefinition(name=named, data=definition, suite=suite)
    context.validation_definitions.add(validation)
    checkpoint = _SettledCheckpoint(
        name=named,
        validation_definitions=[validation],
        actions=[Quarantine(name="quarantine")],
        result_format=_COUNTS,
    )
    context.checkpoints.add(checkpoint)
    return checkpoint
