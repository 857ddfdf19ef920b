"""What the design page says of one rule: what it asks, its figures and tables, and what to know of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from checks.design import CountedDesign, Estimate, RuleDesign, TimingDesign
from checks.rules import Rule
from flows.pages.design.charts import BoundaryChart, PowerChart, draw_boundary, draw_power, runs
from flows.pages.kit.tables import Cell, Item, Table
from flows.pages.kit.verdicts import PROSE_UNITS
from flows.pages.kit.words import DASH, percent, plural, spoken

UNITS: Mapping[str, str] = {"subject": "participants", "window": "dose windows"}
LENGTHS: Mapping[str, str] = {"events": "events", "expected_events": "expected events"}

Charts: TypeAlias = tuple[BoundaryChart | PowerChart, ...]


@dataclass(frozen=True, slots=True)
class RuleSection:
    """One rule: what it asks and why, its figures, its tables, what must be known of its numbers."""

    id: str
    asks: str
    facts: tuple[Item, ...]
    figures: Charts
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    rationale: str
    source: str


def rule_section(rule: RuleDesign, declared: Rule) -> RuleSection:
    """Return what the page says of a rule's design and of what the protocol declares of it."""
    if isinstance(rule, CountedDesign):
        facts, figures, tables = _counted(rule)
    elif isinstance(rule, TimingDesign):
        facts, figures, tables = _timed(rule)
    else:
        facts, figures, tables = (), (), ()
    return RuleSection(
        rule.id,
        declared.question(),
        facts,
        figures,
        tables,
        rule.notes,
        declared.rationale,
        declared.source,
    )


Parts: TypeAlias = tuple[tuple[Item, ...], Charts, tuple[Table, ...]]


def _counted(rule: CountedDesign) -> Parts:
    unit = UNITS[rule.unit]
    spent = DASH if rule.size is None else percent(rule.size)
    null = (
        "no rate is declared"
        if rule.null_rate is None
        else f"at {rule.null_rate:g} per {PROSE_UNITS[rule.unit]}"
    )
    facts = [Item("Crosses without harm", spent, null)]
    if rule.alpha is not None and rule.method is not None:
        facts += [
            Item("Alpha", percent(rule.alpha), "never exceeded on complete units"),
            Item("Method", spoken(rule.method), f"critical value {rule.critical_value:.5g}"),
        ]
    chart = draw_boundary(rule.looks, rule.events, last=rule.n_max, x_name=unit, y_name="cases")
    tables = [_boundary_table(rule, unit), _rates_table(rule, unit)]
    if rule.pending:
        tables.append(_pending_table(rule))
    power = draw_power(rule, f"true rate per {PROSE_UNITS[rule.unit]}")
    return tuple(facts), (power,) if chart is None else (chart, power), tuple(tables)


def _boundary_table(rule: CountedDesign, unit: str) -> Table:
    spent = rule.size_by_look or [None] * len(rule.looks)
    rows, total = [], 0.0
    for first, last in runs(rule.looks, rule.events):
        here = sum(share or 0.0 for share in spent[first : last + 1])
        total += here
        place = f"{rule.looks[first]}" + (f"{DASH}{rule.looks[last]}" if last > first else "")
        fewest = rule.events[first]
        known = rule.size_by_look is not None
        rows.append(
            (
                Cell(place),
                Cell("none can" if fewest is None else str(fewest)),
                Cell(percent(here) if known else DASH),
                Cell(percent(total) if known else DASH),
            )
        )
    return Table(
        "The boundary, and where the error is spent at the null rate",
        (unit.capitalize(), "Fewest cases that cross", "First crosses here", "Has crossed by then"),
        tuple(rows),
    )


def _rates_table(rule: CountedDesign, unit: str) -> Table:
    rows = tuple(
        (
            Cell(f"{rate:.3g}", note=_rate_note(rule, rate)),
            Cell(percent(share)),
            Cell(f"{number:.1f}"),
            Cell(f"{events:.2f}"),
        )
        for rate, share, number, events in zip(
            rule.rates, rule.reject_probability, rule.expected_n, rule.expected_events, strict=True
        )
    )
    return Table(
        "What the rule does at true rates, and when it stops",
        (f"True rate per {PROSE_UNITS[rule.unit]}", "Crosses", f"Expected {unit}", "Expected cases"),
        rows,
    )


def _rate_note(rule: CountedDesign, rate: float) -> str:
    if rate == rule.null_rate:
        return "null rate"
    return "background" if any(rate == end for end, _ in rule.background) else ""


def _pending_table(rule: CountedDesign) -> Table:
    rows = tuple(
        (Cell(f"{one.subjects_per_course:g}"), *_estimate_cells(one.crossing)) for one in rule.pending
    )
    return Table(
        "Approximate: crosses at the null rate while windows are open (TITE weighting), by simulation",
        (
            "Participants entering during one participant's doses",
            "Crosses",
            "Monte Carlo error",
            "95% limits",
        ),
        rows,
    )


def _estimate_cells(estimate: Estimate) -> tuple[Cell, Cell, Cell]:
    low, high = estimate.ci95
    return (
        Cell(percent(estimate.value)),
        Cell(percent(estimate.standard_error)),
        Cell(f"{percent(low)} to {percent(high)}"),
    )


def _timed(rule: TimingDesign) -> Parts:
    unit = LENGTHS[rule.length_unit]
    looks = (
        "after every event"
        if rule.planned_looks is None
        else f"{rule.planned_looks} planned, called by events"
    )
    facts = (
        Item("Alpha", percent(rule.alpha), f"looks: {looks}"),
        Item("Control time", f"{rule.ratio:g} times", "the risk time, as planned"),
        Item(
            "Fewest",
            f"{plural(rule.min_events, 'event')} in risk hours",
            f"in {plural(rule.min_subjects, 'participant')} or more",
        ),
    )
    longest = rule.surveillance[-1]
    chart = None
    if longest.events is not None and rule.length_unit == "events":
        chart = draw_boundary(
            longest.looks,
            longest.events,
            last=longest.length,
            x_name="events, risk and control hours together",
            y_name="events in risk hours",
        )
    tables = (_timing_boundary(rule, unit), _timing_table(rule, unit), _stopping_table(rule, unit))
    return facts, () if chart is None else (chart,), tables


def _timing_boundary(rule: TimingDesign, unit: str) -> Table:
    """Return, for the longest surveillance, what crosses at each look and where the error is spent."""
    longest = rule.surveillance[-1]
    events = longest.events or [None] * len(longest.looks)
    whole = rule.length_unit == "events"
    looks = [round(look) for look in longest.looks] if whole else list(range(0, 2 * len(events), 2))
    rows, total = [], 0.0
    for first, last in runs(looks, events):
        here = sum(longest.size_by_look[first : last + 1])
        total += here
        few = events[first]
        place = f"{looks[first]}" + (f"{DASH}{looks[last]}" if last > first else "")
        cells = [Cell(place if whole else f"{longest.looks[first]:.3f}")]
        if longest.events is not None:
            cells.append(Cell("none can" if few is None else str(few)))
        rows.append((*cells, Cell(percent(here)), Cell(percent(total))))
    fewest = ("Fewest in risk hours that cross" if whole else "Fewest events that have crossed",)
    return Table(
        f"The boundary over {longest.length:g} {unit}, and where the error is spent without harm"
        if longest.events is not None
        else f"Where the error is spent without harm, over {longest.length:g} {unit}",
        (
            "Events, in risk and control hours together" if whole else "By so many expected events",
            *(fewest if longest.events is not None else ()),
            "First crosses here",
            "Has crossed by then",
        ),
        tuple(rows),
    )


def _stopping_table(rule: TimingDesign, unit: str) -> Table:
    """Return, for the longest surveillance, when it stops under each truth."""
    longest = rule.surveillance[-1]
    lengths = zip(longest.expected_length, longest.expected_in_risk, strict=True)
    stops = (longest.without_harm, *lengths)
    crosses = (longest.size, *longest.power)
    truths = ("no harm", *(f"{ratio:g} times" for ratio in rule.relative_incidence))
    rows = tuple(
        (Cell(truth), Cell(percent(share)), Cell(f"{length:.2f}"), Cell(f"{in_risk:.2f}"))
        for truth, share, (length, in_risk) in zip(truths, crosses, stops, strict=True)
    )
    return Table(
        f"When it stops, at the crossing or after {longest.length:g} {unit}",
        ("True incidence", "Crosses", f"Expected {unit}", "Expected events in risk hours"),
        rows,
    )


def _timing_table(rule: TimingDesign, unit: str) -> Table:
    rows = []
    for one in rule.surveillance:
        errors = one.power_error or [None] * len(one.power)
        cells = [Cell(f"{one.length:g}"), with_error(one.size, one.size_error)]
        cells += [with_error(share, error) for share, error in zip(one.power, errors, strict=True)]
        rows.append(tuple(cells))
    ratios = tuple(f"{ratio:g} times" for ratio in rule.relative_incidence)
    return Table(
        "Crosses, by the true incidence in risk hours relative to control hours",
        (unit.capitalize(), "No harm", *ratios),
        tuple(rows),
    )


def with_error(share: float, error: float | None) -> Cell:
    """Return a probability, with its Monte Carlo standard error where it is simulated."""
    return Cell(percent(share), note="" if error is None else f"\N{PLUS-MINUS SIGN} {percent(error)}")
