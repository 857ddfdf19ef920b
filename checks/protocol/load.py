"""Reading a study protocol file: the protocol, or every problem of the file at once."""

import hashlib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from checks.errors import Problem, ProtocolError
from checks.problems import Place, ProblemAt
from checks.protocol.consistency import disagreements
from checks.protocol.document import WHOLE_FILE, path_of, read_document
from checks.protocol.explain import explain, unknown_keys
from checks.protocol.model import StudyProtocol
from checks.protocol.notes import notes_on
from checks.protocol.one_file import content_of
from checks.protocol.suite_files import combined_sha256, misplaced, read_suite_files
from checks.rules import AnyRule

MOST_BYTES = 1 << 20
"""A study protocol file has some thousand bytes, and some fifty for each of its sites."""

Key = TypeVar("Key", str, int)


def load_protocol(path: Path | str) -> StudyProtocol:
    """Read, check and freeze a study protocol file.

    Parameters
    ----------
    path : Path or str
        The YAML file; the paths of its feeds are relative to its folder.

    Returns
    -------
    StudyProtocol
        With ``sha256`` of the file's bytes, the ``folder`` that holds it, the study's own expectations there, and
        ``notes`` on what it says in the words of earlier files.

    Raises
    ------
    ProtocolError
        Carrying every problem of the file, in the order of its lines.
    """
    content = _content(Path(path))
    document = read_document(str(path), content)
    protocol, refused = _validate(document.values)
    # A value that could not be read (an alias) is not reported as missing as well.
    unread = {(problem.line, problem.path) for problem in document.problems}
    found = (one for one in map(document.with_line, refused) if (one.line, one.path) not in unread)
    problems = {*document.problems, *found}
    folder = Path(path).parent
    suites = read_suite_files(folder)
    if protocol is not None:
        problems |= set(misplaced(suites, list(protocol.feeds.by_domain()), folder))
    if problems or protocol is None:
        raise ProtocolError(sorted(problems, key=lambda problem: (problem.line, problem.path, problem.found)))
    notes = tuple(
        f"{path}:{document.line_of(note.place)}: {path_of(note.place)}: {note.said}"
        for note in sorted(notes_on(document.values, protocol), key=lambda note: document.line_of(note.place))
    )
    sha256 = combined_sha256(hashlib.sha256(content).hexdigest(), suites)
    return protocol.read_from(folder, sha256, suites, notes)


def _content(path: Path) -> bytes:
    try:
        return content_of(path, MOST_BYTES)
    except OSError as error:
        found = error.strerror or type(error).__name__
        problem = Problem(str(path), 1, WHOLE_FILE, found.lower(), "a study protocol file that can be read")
        raise ProtocolError([problem]) from error


def _validate(values: dict[str, object]) -> tuple[StudyProtocol | None, list[ProblemAt]]:
    try:
        protocol = StudyProtocol.model_validate(values)
    except ValidationError as refusal:
        sections = _readable_sections(_without(values, unknown_keys(refusal)))
        return None, [*explain(refusal, StudyProtocol), *disagreements(sections)]
    whole = {name: getattr(protocol, name) for name in StudyProtocol.model_fields}
    return protocol, list(disagreements({**whole, "rules": dict(enumerate(protocol.rules))}))


def _without(values: dict[str, object], keys: Sequence[Place]) -> dict[str, object]:
    """Return the values without some keys, which must not hide what else is wrong beside them."""
    kept = deepcopy(values)
    for key in keys:
        holder: Any = kept
        for step in key[:-1]:
            holder = holder[step]
        del holder[key[-1]]
    return kept


def _readable_sections(values: Mapping[str, object]) -> dict[str, object]:
    """Return the sections, and each single rule, that can be read in spite of problems elsewhere."""
    sections: dict[str, object] = {}
    for name, field in StudyProtocol.model_fields.items():
        if name not in values and not field.is_required():
            sections[name] = field.default
        elif name != "rules":
            sections.update(_readable(name, TypeAdapter(field.rebuild_annotation()), values.get(name)))
    return {**sections, "rules": _readable_rules(values.get("rules"))}


def _readable_rules(values: object) -> dict[int, Any]:
    adapter = TypeAdapter[Any](AnyRule)
    rules: dict[int, Any] = {}
    for place, value in enumerate(values if isinstance(values, list) else ()):
        rules.update(_readable(place, adapter, value))
    return rules


def _readable(key: Key, adapter: TypeAdapter[Any], value: object) -> dict[Key, Any]:
    try:
        return {key: adapter.validate_python(value)}
    except ValidationError:
        return {}
