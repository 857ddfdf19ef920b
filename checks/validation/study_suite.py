"""The expectations that a study brings, read from Great Expectations' JSON: each a check, or a problem with its name.

Each says in ``meta`` what follows from a failure (``severity``: blocks, quarantines or warns), and may say there what
it is called (``name``), in a sentence what to do (``notes``), and its ``category``.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, get_args

from checks.protocol.suite_files import SuiteFile
from checks.tables import tells_arm
from checks.validation.catalogue import ROWS, STRUCTURE
from checks.validation.catalogue.check import Check, Expected
from checks.validation.judging import great_expectations
from checks.validation.results import Category, Severity

SEVERITIES: Final[tuple[str, ...]] = get_args(Severity)
CATEGORIES: Final[tuple[str, ...]] = get_args(Category)

_OURS: Final = frozenset(entry.name for entry in (*STRUCTURE, *ROWS))
_OF_COLUMNS: Final = ("column", "column_A", "column_B", "column_list", "column_set")
_OF_THE_WHOLE_TABLE: Final = "expect_table_column"
"""How the types begin that count or list all columns: the table that is judged has only those that are named."""


@dataclass(frozen=True, slots=True)
class StudySuite:
    """What one file holds: its checks, and in sentences its problems, for which its feed is stopped."""

    checks: tuple[Check, ...] = ()
    problems: tuple[str, ...] = ()


class _UnusableError(Exception):
    """One expectation, or a whole file, cannot be used."""

    def __init__(self, found: str, allowed: str) -> None:
        self.found, self.allowed = found, allowed
        super().__init__(found)


@lru_cache(maxsize=64)
def read_study_suite(file: SuiteFile) -> StudySuite:
    """Read one file; all its problems at once."""
    try:
        configs = _configs(file)
    except _UnusableError as refused:
        return StudySuite(problems=(_problem(file, "", refused),))
    checks: list[Check] = []
    problems: list[str] = []
    for number, config in enumerate(configs, start=1):
        try:
            checks.append(_check(file, number, config, {one.name for one in checks}))
        except _UnusableError as refused:
            problems.append(_problem(file, f", expectation {number}", refused))
    return StudySuite(tuple(checks), tuple(problems))


def _problem(file: SuiteFile, place: str, refused: _UnusableError) -> str:
    return f"{file.domain}: {file.name}{place}: found {refused.found}; allowed: {refused.allowed}"


def _configs(file: SuiteFile) -> Sequence[object]:
    """Return the expectations of a file, not looked into yet."""
    if file.content is None:
        raise _UnusableError(file.fault, "a file that can be read")
    try:
        suite = json.loads(file.content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _UnusableError("text that is not UTF-8", "a suite of Great Expectations in JSON") from error
    except json.JSONDecodeError as error:
        found = f"no JSON (line {error.lineno}: {error.msg})"
        raise _UnusableError(found, "a suite of Great Expectations in JSON") from error
    configs = suite.get("expectations") if isinstance(suite, dict) else None
    if not isinstance(configs, list) or not configs:
        raise _UnusableError("no list of `expectations`", "a suite of Great Expectations with one at least")
    return configs


def _check(file: SuiteFile, number: int, config: object, taken: set[str]) -> Check:
    if not isinstance(config, dict) or not isinstance(config.get("meta"), dict):
        raise _UnusableError("no `meta`", f"`meta` with a `severity`: {', '.join(SEVERITIES)}")
    meta, kwargs = config["meta"], config.get("kwargs", {})
    severity = _one_of("severity", meta.get("severity"), SEVERITIES)
    category = _one_of("category", meta.get("category", "plausibility"), CATEGORIES)
    name = str(meta.get("name") or f"{file.name} {number}")
    if name in _OURS or name in taken:
        raise _UnusableError(f"the name {name}, which another check has", "a name of its own in `meta`")
    expectation = _expectation(config, severity)
    columns, beside = _columns(kwargs), tuple(dict.fromkeys(_words(kwargs.get("row_condition"))))
    _refuse_arms((*columns, *beside))
    return Check(
        name=name,
        domains=(file.domain,),
        category=category,
        severity=severity,
        columns=columns,
        expected=Expected(str(config["type"]), kwargs),
        numerator=f"rows that do not meet {name}",
        denominator="rows",
        message=_notes(meta.get("notes")) or great_expectations().sentence_of(expectation),
        beside=beside,
        file=file.name,
    )


def _one_of(key: str, found: object, allowed: Sequence[str]) -> Any:  # noqa: ANN401 - one of a literal type
    if found not in allowed:
        raise _UnusableError(f"{key} {found!r} in `meta`", ", ".join(allowed))
    return found


def _expectation(config: Mapping[str, object], severity: str) -> Any:  # noqa: ANN401 - untyped there
    """Make the expectation, so that what Great Expectations does not know is no check that never fails."""
    plain = {name: config[name] for name in ("type", "kwargs") if name in config}
    if str(config.get("type")).startswith(_OF_THE_WHOLE_TABLE):
        raise _UnusableError(
            f"{config['type']}", "an expectation of named columns, as expect_column_to_exist"
        )
    engine = great_expectations()
    try:
        expectation = engine.expectation_of({**plain, "meta": {}})
    except ValueError as error:
        found = f"{config.get('type')}, which cannot be made ({error})"
        raise _UnusableError(found, "a type of Great Expectations, with its arguments") from error
    if severity == "quarantines" and not engine.judges_rows(expectation):
        raise _UnusableError(
            f"{config['type']}, which judges no single row, with severity quarantines", "blocks, warns"
        )
    return expectation


def _columns(kwargs: Mapping[str, object]) -> tuple[str, ...]:
    named = (kwargs.get(key) for key in _OF_COLUMNS)
    return tuple(
        name
        for one in named
        for name in ([one] if isinstance(one, str) else one if isinstance(one, list) else [])
        if isinstance(name, str)
    )


def _words(condition: object) -> Iterator[str]:
    """Yield the names that a row condition may mean by columns: words that look like a variable, not in quotes."""
    if isinstance(condition, str):
        unquoted = re.sub(r"\"[^\"]*\"|'[^']*'", " ", condition)
        yield from re.findall(r"\b[A-Z][A-Z0-9]*(?:_\w+)?\b", unquoted)
    elif isinstance(condition, Mapping):
        column = condition.get("column")
        if isinstance(column, Mapping) and isinstance(column.get("name"), str):
            yield str(column["name"])
        yield from _words(list(condition.values()))
    elif isinstance(condition, list):
        for value in condition:
            yield from _words(value) if not isinstance(value, str) else ()


def _refuse_arms(columns: Sequence[str]) -> None:
    """Refuse a column that tells the arm: feeds are blinded before anything is judged."""
    telling = [name for name in columns if tells_arm(name.partition("_")[0].upper())]
    if telling:
        raise _UnusableError(
            f"{' and '.join(telling)}, which tells the arm and is taken out before feeds are judged",
            "columns that do not tell the arm",
        )


def _notes(notes: object) -> str:
    """Return the notes of an expectation as one sentence, in whichever form they are written."""
    if isinstance(notes, Mapping):
        return _notes(notes.get("content"))
    if isinstance(notes, list):
        return " ".join(str(one) for one in notes).strip()
    return notes.strip() if isinstance(notes, str) else ""
