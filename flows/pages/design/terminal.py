"""A design at a terminal of 80 columns: what the rules spend, all together, then each rule."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from checks.design import ProtocolDesign, RuleDesign
from checks.protocol import StudyProtocol
from checks.rules import Rule
from flows.pages.design.in_charts import charts_notes, charts_table
from flows.pages.design.in_worlds import InWorlds, worlds_notes, worlds_said, worlds_tables
from flows.pages.design.page import LONGEST_ID, combined_notes, combined_tables, lead_sentences, overview_rows
from flows.pages.design.rule_sections import rule_section
from flows.pages.kit.lines import WIDTH, columns, in_blocks, wrapped
from flows.pages.kit.tables import Cell, Table
from flows.pages.kit.words import DASH, NOT_A_DEVICE, printable
from flows.simulate.chart_trials import ChartTrials

BROKEN_AT, BROKEN_FIRST_AT = 10, 16
"""Letters at which the lines of a heading break, the first column's later: it says what the rows are."""


def design_text(
    design: ProtocolDesign,
    protocol: StudyProtocol,
    page: Path,
    in_charts: ChartTrials | None = None,
    in_worlds: InWorlds | None = None,
) -> str:
    """Return the design in lines of at most 80 columns; only the page's path may be longer."""
    head = [f"Stopping rules of {protocol.study.id} before use"]
    head += [line for text in lead_sentences(design, in_worlds) for line in wrapped(printable(text))]
    blocks = [head, columns(overview_rows(design))]
    blocks += [text_table(table) for table in combined_tables(design.combined)]
    blocks.append([line for note in combined_notes(design.combined) for line in wrapped(note)])
    if in_worlds is not None:
        blocks += [text_table(table) for table in worlds_tables(in_worlds, design)]
        said = (*worlds_said(in_worlds), *worlds_notes(in_worlds))
        blocks.append([line for text in said for line in wrapped(printable(text).replace(DASH, "-"))])
    if in_charts is not None:
        blocks += [text_table(charts_table(in_charts))]
        blocks += [[line for note in charts_notes(in_charts) for line in wrapped(note)]]
    for rule, declared in zip(design.rules, protocol.rules, strict=True):
        blocks += _rule_blocks(rule, declared)
    blocks.append([f"Page to sign: {page}", NOT_A_DEVICE])
    return in_blocks(*blocks)


def _rule_blocks(rule: RuleDesign, declared: Rule) -> Iterator[list[str]]:
    section = rule_section(rule, declared)
    yield [*wrapped(printable(f"{declared.id}: {declared.question()}")), "-" * WIDTH]
    for table in section.tables:
        yield text_table(table)
    yield [line for note in section.notes for line in wrapped(printable(note))]


def text_table(table: Table) -> list[str]:
    """Return a table as its caption, headings broken at words, and one line a row; too wide, in parts."""
    if not table.rows:
        return wrapped(table.empty)
    rows = [[_letters(_marked(cell))[:LONGEST_ID] for cell in row] for row in table.rows]
    whole = _headed(table.columns, rows)
    lines = columns(whole)
    if max(map(len, lines)) > WIDTH:
        half = 1 + len(table.columns) // 2
        parts = ([*row[:half]] for row in whole), ([row[0], *row[half:]] for row in whole)
        lines = [line for part in parts for line in (*columns(list(part)), "")][:-1]
    return [*wrapped(printable(table.caption)), *lines]


def _headed(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Return rows below the lines of their headings, which end at the same line."""
    broken = [
        wrapped(
            _letters(name),
            width=max(BROKEN_AT if place else BROKEN_FIRST_AT, *(len(row[place]) for row in rows)),
            whole_words=True,
        )
        for place, name in enumerate(names)
    ]
    depth = max(map(len, broken))
    filled = [[""] * (depth - len(heading)) + heading for heading in broken]
    return [*zip(*filled, strict=True), *rows]


def _marked(cell: Cell) -> str:
    """Return what a cell says; a poor value has the mark that it has on the page."""
    return f"! {cell.text}" if cell.tone == "poor" else cell.text


def _letters(text: str) -> str:
    return printable(text).replace(DASH, "-")
