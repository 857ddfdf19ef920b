"""What the design page says of one rule: what it asks, its figures and tables, and what to know of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from checks.design import CountedDesign, RuleDesign, TimingDesign
from checks.rules import Rule
from flows.pages.design.charts import Figure, boundary_figures, draw_power
from flows.pages.design.stretches import stretches
from flows.pages.kit.tables import Cell, Item, Table, cells
from flows.pages.kit.verdicts import PROSE_UNITS
from flows.pages.kit.words import DASH, p_text, percent, plural, spoken

UNITS: Mapping[str, str] = {"subject": "participants", "window": "dose windows"}
LENGTHS: Mapping[str, str] = {"events": "events", "expected_events": "expected events"}
SPENT = ("First crosses here", "Has crossed by then")


@dataclass(frozen=True, slots=True)
class RuleSection:
    """One rule as the protocol declares it, with its figures, its tables, what must be known of its numbers."""

    declared: Rule
    notes: tuple[str, ...]
    facts: tuple[Item, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()


def rule_section(rule: RuleDesign, declared: Rule) -> RuleSection:
    """Return what the page says of a rule's design and of what the protocol declares of it."""
    if isinstance(rule, CountedDesign):
        return _counted(rule, declared)
    if isinstance(rule, TimingDesign):
        return _timed(rule, declared)
    return RuleSection(declared, rule.notes)


def _counted(rule: CountedDesign, declared: Rule) -> RuleSection:
    unit, one = UNITS[rule.unit], PROSE_UNITS[rule.unit]
    null = "no rate is declared" if rule.null_rate is None else f"at {rule.null_rate:g} per {one}"
    facts = [Item("Crosses without harm", percent(rule.size, missing=DASH), null)]
    if rule.alpha is not None and rule.method is not None:
        facts += [
            Item("Alpha", percent(rule.alpha), "never exceeded on complete units"),
            Item("Method", spoken(rule.method), f"critical value {rule.critical_value:.5g}"),
        ]
    boundary = boundary_figures(rule.looks, rule.events, last=rule.n_max, x_name=unit, y_name="cases")
    tables = [_boundary_table(rule, unit), _rates_table(rule, unit)]
    if rule.pending:
        tables.append(_pending_table(rule))
    power = partial(draw_power, rule, x_name=f"true rate per {one}")
    return RuleSection(declared, rule.notes, tuple(facts), (*boundary, power), tuple(tables))


def _boundary_table(rule: CountedDesign, unit: str) -> Table:
    known = rule.size_by_look is not None
    spent = rule.size_by_look or [0.0] * len(rule.looks)
    rows = (
        cells(
            one.named(rule.looks),
            one.fewest,
            percent(one.here) if known else DASH,
            percent(one.total) if known else DASH,
        )
        for one in stretches(rule.looks, rule.events, spent)
    )
    return Table(
        "The boundary, and where the error is spent at the null rate",
        (unit.capitalize(), "Fewest cases that cross", *SPENT),
        tuple(rows),
    )


def _rates_table(rule: CountedDesign, unit: str) -> Table:
    found = zip(rule.rates, rule.reject_probability, rule.expected_n, rule.expected_events, strict=True)
    rows = (
        cells(Cell(f"{rate:.3g}", _rate_note(rule, rate)), percent(share), f"{number:.1f}", f"{events:.2f}")
        for rate, share, number, events in found
    )
    return Table(
        "What the rule does at true rates, and when it stops",
        (f"True rate per {PROSE_UNITS[rule.unit]}", "Crosses", f"Expected {unit}", "Expected cases"),
        tuple(rows),
    )


def _rate_note(rule: CountedDesign, rate: float) -> str:
    if rate == rule.null_rate:
        return "null rate"
    return "background" if any(rate == end for end, _ in rule.background) else ""


def _pending_table(rule: CountedDesign) -> Table:
    rows = (
        cells(
            f"{one.subjects_per_course:g}",
            percent(one.crossing.value),
            percent(one.crossing.standard_error),
            " to ".join(map(percent, one.crossing.ci95)),
        )
        for one in rule.pending
    )
    columns = (
        "Participants entering during one participant's doses",
        "Crosses",
        "Monte Carlo error",
        "95% limits",
    )
    return Table(
        "Approximate: crosses at the null rate while windows are open (TITE weighting), by simulation",
        columns,
        tuple(rows),
    )


def _timed(rule: TimingDesign, declared: Rule) -> RuleSection:
    if not rule.surveillance:
        looks = _looks(rule, "after every dose")
        return RuleSection(declared, rule.notes, (Item("Alpha", percent(rule.alpha), f"looks: {looks}"),))
    unit, longest = LENGTHS[rule.length_unit], rule.surveillance[-1]
    looks = _looks(rule, "after every event")
    subjects = plural(rule.min_subjects, "participant")
    facts = (
        Item("Alpha", percent(rule.alpha), f"looks: {looks}"),
        Item("Control time", f"{rule.ratio:g} times", "the risk time, as planned"),
        Item("Fewest", f"{plural(rule.min_events, 'event')} in risk hours", f"in {subjects} or more"),
        *_attainable(rule),
    )
    figures: tuple[Figure, ...] = ()
    if longest.events is not None and rule.length_unit == "events":
        x_name, y_name = "events, risk and control hours together", "events in risk hours"
        last = longest.length
        figures = boundary_figures(longest.looks, longest.events, last=last, x_name=x_name, y_name=y_name)
    tables = (_timing_boundary(rule, unit), _timing_table(rule, unit), _stopping_table(rule, unit))
    return RuleSection(declared, rule.notes, facts, figures, tables)


def _looks(rule: TimingDesign, otherwise: str) -> str:
    """Return what calls the looks of a timing rule."""
    return (
        f"{rule.planned_looks} planned, called by {rule.looks_called_by}" if rule.planned_looks else otherwise
    )


def _attainable(rule: TimingDesign) -> tuple[Item, ...]:
    """Return how many events, all in risk hours, it takes to cross at the planned ratio, and what fewer have."""
    p_values = rule.smallest_attainable_p
    if not p_values:
        return ()
    said = ", ".join(f"{number}: p {p_text(p_value)}" for number, p_value in enumerate(p_values, start=1))
    return (
        Item(
            "Needed",
            f"{plural(len(p_values), 'event')}, all in risk hours",
            f"at the planned ratio; of {said}",
        ),
    )


def _timing_boundary(rule: TimingDesign, unit: str) -> Table:
    """Return, for the longest surveillance, what crosses at each look and where the error is spent."""
    longest, whole = rule.surveillance[-1], rule.length_unit == "events"
    events = longest.events or [None] * len(longest.looks)
    apart = range(0, 2 * len(events), 2)  # expected events are no whole numbers: each look is a row
    looks = [round(look) for look in longest.looks] if whole else apart
    known = longest.events is not None
    rows = (
        cells(
            one.named(looks) if whole else f"{longest.looks[one.first]:.3f}",
            *((one.fewest,) if known else ()),
            percent(one.here),
            percent(one.total),
        )
        for one in stretches(looks, events, longest.size_by_look)
    )
    fewest = "Fewest in risk hours that cross" if whole else "Fewest events that have crossed"
    length = f"{longest.length:g} {unit}"
    return Table(
        f"The boundary over {length}, and where the error is spent without harm"
        if known
        else f"Where the error is spent without harm, over {length}",
        (
            "Events, in risk and control hours together" if whole else "By so many expected events",
            *((fewest,) if known else ()),
            *SPENT,
        ),
        tuple(rows),
    )


def _stopping_table(rule: TimingDesign, unit: str) -> Table:
    """Return, for the longest surveillance, when it stops under each truth."""
    longest = rule.surveillance[-1]
    lengths = zip(longest.expected_length, longest.expected_in_risk, strict=True)
    truths = ("no harm", *(f"{ratio:g} times" for ratio in rule.relative_incidence))
    found = zip(truths, (longest.size, *longest.power), (longest.without_harm, *lengths), strict=True)
    rows = (
        cells(truth, percent(share), f"{length:.2f}", f"{in_risk:.2f}")
        for truth, share, (length, in_risk) in found
    )
    return Table(
        f"When it stops, at the crossing or after {longest.length:g} {unit}",
        ("True incidence", "Crosses", f"Expected {unit}", "Expected events in risk hours"),
        tuple(rows),
    )


def _timing_table(rule: TimingDesign, unit: str) -> Table:
    rows = []
    for one in rule.surveillance:
        errors = one.power_error or [None] * len(one.power)
        powers = (with_error(share, error) for share, error in zip(one.power, errors, strict=True))
        rows.append(cells(f"{one.length:g}", with_error(one.size, one.size_error), *powers))
    ratios = (f"{ratio:g} times" for ratio in rule.relative_incidence)
    return Table(
        "Crosses, by the true incidence in risk hours relative to control hours",
        (unit.capitalize(), "No harm", *ratios),
        tuple(rows),
    )


def with_error(share: float, error: float | None) -> Cell:
    """Return a probability, with its Monte Carlo standard error where it is simulated."""
    return Cell(percent(share), note="" if error is None else f"\N{PLUS-MINUS SIGN} {percent(error)}")
