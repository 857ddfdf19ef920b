"""What a YAML file says, and on which line."""

import pytest

from checks.errors import ProtocolError
from checks.problems import ProblemAt
from checks.protocol.document import Document, read_document


def read(text: str | bytes) -> Document:
    return read_document("p.yaml", text.encode() if isinstance(text, str) else text)


def refusal(text: str | bytes) -> str:
    with pytest.raises(ProtocolError) as error:
        read(text)
    return str(error.value)


def test_every_value_keeps_its_line() -> None:
    document = read("# title\na: 1\nb:\n  - x\n  - {c: y,\n     d: z}\n")
    assert document.values == {"a": "1", "b": ["x", {"c": "y", "d": "z"}]}
    assert document.lines == {
        (): 2,
        ("a",): 2,
        ("b",): 3,
        ("b", 0): 4,
        ("b", 1): 5,
        ("b", 1, "c"): 5,
        ("b", 1, "d"): 6,
    }


def test_what_is_missing_has_the_line_of_what_should_hold_it() -> None:
    problem = read("a: 1\nb:\n  c: 2\n").with_line(ProblemAt(("b", "d", "e"), "nothing", "a value"))
    assert (problem.line, problem.path) == (2, "b.d.e")


@pytest.mark.parametrize("null", ["", "~", "null", "NULL"])
def test_an_empty_value_is_none(null: str) -> None:
    assert read(f"a: {null}\n").values == {"a": None}


@pytest.mark.parametrize("word", ["NO", "yes", "01", "0x1F", "1e3", "12:30:00", "2024-01-01", ".inf", "'~'"])
def test_other_values_are_text_as_written(word: str) -> None:
    assert read(f"a: {word}\n{word.strip(chr(39))}: b\n").values == {
        "a": word.strip("'"),
        word.strip("'"): "b",
    }


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert read(b"\xef\xbb\xbfa: 1\n").values == {"a": "1"}


def test_windows_line_ends_count_once() -> None:
    assert read("a: 1\r\nb: 2\r\n").lines[("b",)] == 2


def test_a_repeated_key_names_both_lines_and_keeps_the_first_value() -> None:
    document = read("a: 1\nb: 2\na: 3\n")
    assert document.values == {"a": "1", "b": "2"}
    assert list(map(str, document.problems)) == [
        "p.yaml:3: a: found this key again, first on line 1; allowed: each key once"
    ]


def test_an_alias_is_refused_where_it_stands_even_one_that_holds_itself() -> None:
    (problem,) = read("a: &a\n  - x\n  - *a\n").problems
    assert (problem.line, problem.path, problem.found) == (3, "a[1]", "an alias (*)")


def test_aliases_of_aliases_do_not_multiply() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert len(read("\n".join(lines)).problems) == 29 * 9


def test_a_merge_key_is_a_key_like_any_other() -> None:
    assert "<<" in read("<<: {a: 1}\n").values


def test_a_tag_that_would_make_an_object_is_refused_and_makes_none() -> None:
    document = read("a: !!python/object/apply:os.getcwd []\nb: !env HOME\n")
    assert [(problem.line, problem.path) for problem in document.problems] == [(1, "a"), (2, "b")]


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("", 1, "an empty file"),
        ("# nothing\n---\n", 1, "an empty file"),
        ("\n- a\n", 2, "a list or a single value"),
        ("just text", 1, "a list or a single value"),
        ("a: 1\n\tb: 2\n", 2, "a tab where a value or spaces belong"),
        ("a: [1\nb: 2\n", 2, "while parsing a flow sequence (from line 1), expected ',' or ']', but got ':'"),
        ("a: 1\n---\nb: 2\n", 2, "another document"),
        ("a: 1\nb: \x07\n", 2, "a control character"),
        (b"a: 1\nb: caf\xe9\n", 2, "the byte 0xE9, which is not UTF-8"),
        ("a: 1\n".encode("utf-16"), 1, "which is not UTF-8"),
        ("[" * 5000, 1, "values nested too deeply to read"),
    ],
)
def test_what_is_not_a_yaml_mapping_is_refused_with_its_line(
    text: str | bytes, line: int, found: str
) -> None:
    message = refusal(text)
    assert message.startswith(f"p.yaml:{line}: the file: found ")
    assert found in message


def test_an_alias_of_nothing_is_an_alias_all_the_same() -> None:
    (problem,) = read("a: 1\nb: *nowhere\n").problems
    assert (problem.line, problem.path) == (2, "b")
