"""However a protocol file is damaged, it loads or is refused with lines that the file has."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.errors import ProtocolError
from checks.protocol import load_protocol

GOOD = (Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml").read_text(encoding="utf-8")
ODD = [
    None,
    "",
    " ",
    "x",
    "3",
    "-1",
    "1e400",
    "nan",
    "true",
    [],
    {},
    [[]],
    [None],
    ["1", "2"],
    {"a": "1"},
    {"kind": "rate"},
]


def containers(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = [value] if isinstance(value, dict | list) and value else []
    return own + [found for item in inner for found in containers(item)]


def damage(draw: st.DrawFn, document: Any) -> None:
    holder = draw(st.sampled_from(containers(document)))
    at = draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
    how = draw(st.sampled_from(["replace", "remove", "rename"]))
    if how == "replace":
        holder[at] = deepcopy(draw(st.sampled_from(ODD)))  # a later damage must not reach the list itself
    elif how == "remove":
        del holder[at]
    elif isinstance(holder, dict):
        holder[draw(st.sampled_from(["x", f"{at}s", "1", "kind", "channels"]))] = holder.pop(at)


@st.composite
def damaged_files(draw: st.DrawFn) -> str:
    document = yaml.load(GOOD, Loader=yaml.BaseLoader)
    for _ in range(draw(st.integers(1, 5))):
        if document:
            damage(draw, document)
    return yaml.safe_dump(document, sort_keys=False, default_flow_style=draw(st.sampled_from([None, False])))


@settings(max_examples=60, deadline=None)
@given(text=damaged_files())
def test_a_damaged_file_loads_or_is_refused_with_its_lines(tmp_path_factory: Any, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "damaged.yaml"
    file.write_text(text, encoding="utf-8")
    try:
        load_protocol(file)
    except ProtocolError as refusal:
        assert refusal.problems
        for problem in refusal.problems:
            assert 1 <= problem.line <= len(text.splitlines())
            assert problem.found
            assert problem.allowed
            assert "should" not in problem.allowed, "a message of our own, not the model library's"


@settings(max_examples=60, deadline=None)
@given(start=st.integers(0, len(GOOD)), length=st.integers(0, 40), put=st.text(max_size=5))
def test_a_file_with_letters_lost_or_added_loads_or_is_refused(
    tmp_path_factory: Any, start: int, length: int, put: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "torn.yaml"
    file.write_text(GOOD[:start] + put + GOOD[start + length :], encoding="utf-8")
    try:
        load_protocol(file)
    except ProtocolError as refusal:
        assert refusal.problems
