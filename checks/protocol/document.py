"""A YAML file as written: each value, and the line on which it stands.

Values stay text: YAML 1.1 would read the site ``NO`` as false, the site ``01`` as the number 1 and ``1e-3``
as text. What a value must be is said by the model, which alone turns text into numbers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml

from checks.errors import Problem, ProtocolError
from checks.problems import Place, ProblemAt, shown

_PREFIX = "tag:yaml.org,2002:"
NULL_TAG = _PREFIX + "null"
ALIAS_TAG = "alias"
PLAIN_TAGS = frozenset(
    _PREFIX + kind
    for kind in ("null", "bool", "int", "float", "str", "timestamp", "merge", "value", "seq", "map")
)
"""The tags YAML gives to values that carry none (YAML 1.1 type repository)."""
WHOLE_FILE = "the file"


def path_of(place: Place) -> str:
    """Return a place as it is written in messages: ``rules[2].alpha``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return "".join(steps).removeprefix(".") or WHOLE_FILE


class _Loader(yaml.SafeLoader):
    """Composes nodes, constructs nothing, and leaves an alias as a node of its own, on its own line."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if not self.check_event(yaml.AliasEvent):
            return super().compose_node(parent, index)
        event = self.get_event()  # type: ignore[no-untyped-call]  # the stubs leave it so
        return yaml.ScalarNode(ALIAS_TAG, event.anchor, event.start_mark, event.end_mark)


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says: mappings, lists and text, the line of each, and what is wrong with the writing."""

    file: str
    values: dict[str, object]
    lines: Mapping[Place, int]
    problems: tuple[Problem, ...]

    def with_line(self, problem: ProblemAt) -> Problem:
        """Return the problem with its file and line."""
        line = self.line_of(problem.place)
        return Problem(self.file, line, path_of(problem.place), problem.found, problem.allowed)

    def line_of(self, place: Place) -> int:
        """Return the line of a value; what is missing has the line of what should hold it."""
        while place not in self.lines:
            place = place[:-1]
        return self.lines[place]


@dataclass(slots=True)
class _Reading:
    """The walk over the nodes of one file, gathering lines and problems."""

    file: str
    lines: dict[Place, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def mapping(self, node: yaml.MappingNode, place: Place, line: int) -> dict[str, object]:
        self.lines[place] = line
        return dict(self._items(node, place))

    def _value(self, node: yaml.Node, place: Place, line: int) -> object:
        self.lines[place] = line
        if node.tag == ALIAS_TAG:
            self._note(place, line, "an alias (*)", "the value itself, so that each place can be read alone")
            return None
        if node.tag not in PLAIN_TAGS:
            self._note(place, line, f"the tag {shown(node.tag)}", "a value without a tag")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, place, line)
        if isinstance(node, yaml.SequenceNode):
            items = enumerate(node.value)
            return [self._value(item, (*place, at), item.start_mark.line + 1) for at, item in items]
        return None if node.tag == NULL_TAG else node.value

    def _items(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[str, object]]:
        first: dict[str, int] = {}
        for key, item in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._note(place, line, "a list or a mapping as a key", "a key of one word")
            elif key.value in first:
                found = f"this key again, first on line {first[key.value]}"
                self._note((*place, key.value), line, found, "each key once")
            else:
                first[key.value] = line
                yield key.value, self._value(item, (*place, key.value), line)

    def _note(self, place: Place, line: int, found: str, allowed: str) -> None:
        self.problems.append(Problem(self.file, line, path_of(place), found, allowed))


def _refusal(file: str, line: int, found: str, allowed: str) -> ProtocolError:
    return ProtocolError([Problem(file, line, WHOLE_FILE, found, allowed)])


def _decode(file: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"the byte 0x{content[error.start]:02X}, which is not UTF-8"
        raise _refusal(file, line, found, "a text file saved as UTF-8") from error


def _syntax(file: str, error: yaml.MarkedYAMLError) -> ProtocolError:
    mark = error.problem_mark or error.context_mark
    start = f" (from line {error.context_mark.line + 1})" if error.context_mark else ""
    found = f"{error.context}{start}, {error.problem}" if error.context else str(error.problem)
    if "'\\t'" in found:
        found = "a tab where a value or spaces belong"
    return _refusal(file, mark.line + 1 if mark else 1, found, "YAML, indented with spaces")


def _compose(file: str, text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise _syntax(file, error) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _refusal(file, line, "a control character", "printable text") from error
    except RecursionError as error:
        raise _refusal(file, 1, "values nested too deeply to read", "at most a dozen levels") from error


def read_document(file: str, content: bytes) -> Document:
    """Read the bytes of a YAML file.

    Raises
    ------
    ProtocolError
        When the bytes are not UTF-8, not YAML, empty, or not a mapping at the top.
    """
    node = _compose(file, _decode(file, content))
    if node is None or node.tag == NULL_TAG:
        raise _refusal(file, 1, "an empty file", "a study protocol")
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        raise _refusal(file, line, "a list or a single value", "a mapping of keys to values")
    reading = _Reading(file)
    values = reading.mapping(node, (), line)
    return Document(file, values, reading.lines, tuple(reading.problems))
