"""Decide what the design page says, and in which order: what the rules spend, then each rule, then signatures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.protocol import StudyProtocol
from flows.design.figures import BoundaryChart, PowerChart, draw_boundary, draw_power
from flows.design.plain import percent, runs
from flows.report.content import Item
from flows.report.tables import Cell, Table
from flows.report.words import DASH, PROSE_UNITS, question, spoken

Record = Mapping[str, Any]

UNITS: Mapping[str, str] = {"subject": "participants", "window": "dose windows"}
LENGTHS: Mapping[str, str] = {"events": "events", "expected_events": "expected events"}

LONGEST_ID = 24
"""Letters of a rule's id at a terminal: the whole row fits into 80 columns."""

SIGNATORIES = ("DSMB chair", "DSMB statistician", "For the sponsor")
"""Who agrees to the rules before they are used."""


@dataclass(frozen=True, slots=True)
class RuleSection:
    """One rule: what it asks and why, its figures, its tables, what must be known of its numbers."""

    id: str
    asks: str
    facts: tuple[Item, ...]
    boundary: BoundaryChart | None
    power: PowerChart | None
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    rationale: str
    source: str


@dataclass(frozen=True, slots=True)
class DesignPage:
    """All that the template draws."""

    study: str
    title: str
    registry: str
    simulated: bool
    sentences: tuple[str, ...]
    within: bool | None
    overview: Table
    rules: tuple[RuleSection, ...]
    combined: Table
    combined_notes: tuple[str, ...]
    assumptions: tuple[str, ...]
    signatories: tuple[str, ...]
    provenance: tuple[Item, ...]


def compose_design(document: Record, protocol: StudyProtocol) -> DesignPage:
    """Return what the page draws, from design.json and the protocol it was made for."""
    combined = document["combined"]
    asks = {rule.id: question(rule) for rule in protocol.rules}
    return DesignPage(
        study=document["study"],
        title=protocol.study.title or "",
        registry=protocol.study.registry_id or "",
        simulated=document["simulated"],
        sentences=lead_sentences(document),
        within=document["spending"]["within"],
        overview=_overview(document, asks),
        rules=tuple(_section(rule, asks[rule["id"]]) for rule in document["rules"]),
        combined=_combined(combined),
        combined_notes=tuple(combined["notes"]) if combined else (),
        assumptions=assumptions(document),
        signatories=SIGNATORIES,
        provenance=_provenance(document),
    )


def lead_sentences(document: Record) -> tuple[str, ...]:
    """Return what a reader must know first: what the rules spend together against what is declared."""
    spending = document["spending"]
    spent = (
        f"The rules' own probabilities of crossing without harm add up to {percent(spending['total_spent'])}."
    )
    return tuple(text for text in (_declared(spending), spent, _any_rule(document["combined"])) if text)


def _declared(spending: Record) -> str:
    if spending["method"] == "none":
        return f"The protocol shares no alpha among its rules: {spending['rationale']}"
    if spending["within"] is None:
        return "The protocol declares no familywise alpha."
    holds = "covers" if spending["within"] else "does not cover"
    return (
        f"The declared familywise alpha of {percent(spending['familywise_alpha'])} "
        f"({spending['method']}) {holds} the sum of what the rules spend."
    )


def _any_rule(combined: Record | None) -> str:
    if combined is None:
        return ""
    at = _harmless(combined)
    low, high = at["any_rule"]["ci95"]
    return (
        f"Simulated together at a rate of {at['rate']:g} per participant, at least one crosses without harm in "
        f"{percent(at['any_rule']['value'])} of trials (95% limits {percent(low)} to {percent(high)})."
    )


def _harmless(combined: Record) -> Record:
    """Return the crossing at the declared background: the one between the ends of its range, if any."""
    harmless = [one for one in combined["crossings"] if one["rate"] == one["background_rate"]]
    found: Record = harmless[len(harmless) // 2]
    return found


def _overview(document: Record, asks: Mapping[str, str]) -> Table:
    spending = document["spending"]
    rows = [
        (
            Cell(rule["id"], note=asks[rule["id"]]),
            Cell(percent(spending["declared"][rule["id"]])),
            Cell(percent(spending["spent"][rule["id"]]), note=_how(rule)),
            Cell(", ".join(_power(rule)) or DASH),
        )
        for rule in document["rules"]
    ]
    total = (
        Cell("Sum"),
        Cell(percent(spending["total_declared"])),
        Cell(percent(spending["total_spent"]), tone="poor" if spending["within"] is False else ""),
        Cell(""),
    )
    return Table(
        "What each rule declares, and what it spends when there is no harm",
        ("Rule", "Alpha declared", "Crosses without harm", "Crosses with harm"),
        (*rows, total),
    )


def _how(rule: Record) -> str:
    if rule["kind"] == "lab_limit":
        return "no error rates"
    simulated = any(one["size_error"] is not None for one in rule.get("surveillance", ()))
    return "by simulation" if simulated else "exact"


def _power(rule: Record) -> tuple[str, ...]:
    """Return how often a rule crosses at two truths that are harmful beyond the doubt of the background."""
    if "rates" in rule:
        doubtful = max([rule["null_rate"] or 0.0, *(rate for rate, _ in rule["background"])])
        shown = zip(rule["rates"], rule["reject_probability"], strict=True)
        return tuple(f"{percent(share)} at {rate:.3g}" for rate, share in shown if rate > doubtful)[:3:2]
    if "surveillance" in rule:
        longest = rule["surveillance"][-1]
        within = f"{longest['length']:g} {LENGTHS[rule['length_unit']]}"
        shown = zip(rule["relative_incidence"], longest["power"], strict=True)
        return tuple(f"{percent(share)} at {ratio:g} times in {within}" for ratio, share in shown)[1:3]
    return ()


def _section(rule: Record, asks: str) -> RuleSection:
    if "rates" in rule:
        facts, boundary, power, tables = _counted(rule)
    elif "surveillance" in rule:
        facts, boundary, power, tables = _timed(rule)
    else:
        facts, boundary, power, tables = (), None, None, ()
    return RuleSection(
        rule["id"],
        asks,
        facts,
        boundary,
        power,
        tables,
        tuple(rule["notes"]),
        rule["rationale"],
        rule["source"],
    )


Parts = tuple[tuple[Item, ...], BoundaryChart | None, PowerChart | None, tuple[Table, ...]]


def _counted(rule: Record) -> Parts:
    unit = UNITS[rule["unit"]]
    spent = DASH if rule["size"] is None else percent(rule["size"])
    null = (
        "no rate is declared"
        if rule["null_rate"] is None
        else f"at {rule['null_rate']:g} per {PROSE_UNITS[rule['unit']]}"
    )
    facts = [Item("Crosses without harm", spent, null)]
    if rule["alpha"] is not None:
        facts += [
            Item("Alpha", percent(rule["alpha"]), "never exceeded on complete units"),
            Item("Method", spoken(rule["method"]), f"critical value {rule['critical_value']:.5g}"),
        ]
    chart = draw_boundary(rule["looks"], rule["events"], last=rule["n_max"], x_name=unit, y_name="cases")
    tables = [_boundary_table(rule, unit), _rates_table(rule, unit)]
    if rule["pending"]:
        tables.append(_pending_table(rule))
    return tuple(facts), chart, draw_power(rule, f"true rate per {PROSE_UNITS[rule['unit']]}"), tuple(tables)


def _boundary_table(rule: Record, unit: str) -> Table:
    spent = rule["size_by_look"] or [None] * len(rule["looks"])
    rows, total = [], 0.0
    for first, last in runs(rule["looks"], rule["events"]):
        here = sum(share or 0.0 for share in spent[first : last + 1])
        total += here
        place = f"{rule['looks'][first]}" + (f"{DASH}{rule['looks'][last]}" if last > first else "")
        fewest = rule["events"][first]
        known = rule["size_by_look"] is not None
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
        (f"Number of {unit}", "Fewest cases that cross", "First crosses here", "Has crossed by then"),
        tuple(rows),
    )


def _rates_table(rule: Record, unit: str) -> Table:
    columns = ("rates", "reject_probability", "expected_n", "expected_events")
    rows = tuple(
        (
            Cell(f"{rate:.3g}", note=_rate_note(rule, rate)),
            Cell(percent(share)),
            Cell(f"{number:.1f}"),
            Cell(f"{events:.2f}"),
        )
        for rate, share, number, events in zip(*(rule[name] for name in columns), strict=True)
    )
    return Table(
        "What the rule does at true rates",
        (f"True rate per {PROSE_UNITS[rule['unit']]}", "Crosses", f"Expected {unit}", "Expected cases"),
        rows,
    )


def _rate_note(rule: Record, rate: float) -> str:
    if rate == rule["null_rate"]:
        return "null rate"
    return "background" if any(rate == end for end, _ in rule["background"]) else ""


def _pending_table(rule: Record) -> Table:
    rows = tuple(
        (Cell(f"{one['subjects_per_course']:g}"), *_estimate_cells(one["crossing"]))
        for one in rule["pending"]
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


def _estimate_cells(estimate: Record) -> tuple[Cell, Cell, Cell]:
    low, high = estimate["ci95"]
    return (
        Cell(percent(estimate["value"])),
        Cell(percent(estimate["standard_error"])),
        Cell(f"{percent(low)} to {percent(high)}"),
    )


def _timed(rule: Record) -> Parts:
    unit = LENGTHS[rule["length_unit"]]
    looks = "after every event" if rule["planned_looks"] is None else f"{rule['planned_looks']} planned"
    facts = (
        Item("Alpha", percent(rule["alpha"]), f"looks: {looks}"),
        Item("Control time", f"{rule['ratio']:g} times", "the risk time, as planned"),
        Item(
            "Fewest", f"{rule['min_events']} events in risk hours", f"in {rule['min_subjects']} participants"
        ),
    )
    longest = rule["surveillance"][-1]
    chart = None
    if longest["events"] is not None and rule["length_unit"] == "events":
        chart = draw_boundary(
            longest["looks"],
            longest["events"],
            last=longest["length"],
            x_name="events, risk and control hours together",
            y_name="events in risk hours",
        )
    tables = (_timing_boundary(rule), _timing_table(rule, unit))
    return facts, chart, None, tuple(table for table in tables if table.rows)


def _timing_boundary(rule: Record) -> Table:
    """Return the boundary of the longest surveillance; without rows for a rule that has none in numbers."""
    longest = rule["surveillance"][-1]
    if longest["events"] is None:
        return Table("", (), ())
    if rule["length_unit"] == "events":
        whole = [round(look) for look in longest["looks"]]
        places = [
            (f"{whole[first]}" + (f"{DASH}{whole[last]}" if last > first else ""), longest["events"][first])
            for first, last in runs(whole, longest["events"])
        ]
        columns = ("Events, in risk and control hours together", "Fewest in risk hours that cross")
    else:
        places = list(zip((f"{time:.3f}" for time in longest["looks"]), longest["events"], strict=True))
        columns = ("By so many expected events", "Fewest events that have crossed")
    rows = tuple((Cell(place), Cell("none can" if few is None else str(few))) for place, few in places)
    return Table("The boundary", columns, rows)


def _timing_table(rule: Record, unit: str) -> Table:
    every = any(one["size_at_every_event"] is not None for one in rule["surveillance"])
    rows = []
    for one in rule["surveillance"]:
        errors = one["power_error"] or [None] * len(one["power"])
        cells = [Cell(f"{one['length']:g}"), _with_error(one["size"], one["size_error"])]
        if every:
            cells.append(Cell(percent(one["size_at_every_event"])))
        cells += [_with_error(share, error) for share, error in zip(one["power"], errors, strict=True)]
        rows.append(tuple(cells))
    ratios = tuple(f"{ratio:g} times" for ratio in rule["relative_incidence"])
    last = ("No harm, looked at after every event",) if every else ()
    return Table(
        "Crosses, by the true incidence in risk hours relative to control hours",
        (unit.capitalize(), "No harm", *last, *ratios),
        tuple(rows),
    )


def _with_error(share: float, error: float | None) -> Cell:
    return Cell(percent(share), note="" if error is None else f"\N{PLUS-MINUS SIGN} {percent(error)}")


def _combined(combined: Record | None) -> Table:
    empty = "Not simulated: the protocol names no number of participants, or no rate without harm."
    if combined is None:
        return Table("", (), (), empty)
    rows = tuple(
        (
            Cell(f"{one['rate']:g}", note=_truth(one)),
            _with_error(one["any_rule"]["value"], one["any_rule"]["standard_error"]),
            *(Cell(percent(one["by_rule"][name]["value"])) for name in combined["rules"]),
        )
        for one in combined["crossings"]
    )
    return Table(
        f"Simulated trials of {combined['subjects']} participants with {combined['doses']} doses each",
        ("True rate per participant", "Any rule", *combined["rules"]),
        rows,
        empty,
    )


def _truth(one: Record) -> str:
    return (
        "no harm" if one["rate"] == one["background_rate"] else f"control hours at {one['background_rate']:g}"
    )


def assumptions(document: Record) -> tuple[str, ...]:
    """Return what the numbers rest on, in sentences."""
    return (
        "Participants, and the dose windows of one participant, are independent, with one rate.",
        "Exact numbers count complete participants or windows. Open windows are weighted in a look; what that "
        "costs is simulated.",
        "Timing rules are judged as if every planned hour were observed, and without the fewest participants "
        "they ask for, which can only lower what is shown; the simulation of all rules together asks for them.",
        f"Simulations: {document['simulations']:,} trials at each truth, seed {document['seed']}; "
        "\N{PLUS-MINUS SIGN} is one Monte Carlo standard error.",
    )


def _provenance(document: Record) -> tuple[Item, ...]:
    return (
        Item("Study protocol (SHA-256)", document["protocol_sha256"] or "not from a file"),
        Item("postdose", document["code_version"]),
    )


def overview_rows(document: Record) -> list[tuple[str, ...]]:
    """Return the overview for a terminal: a header, one row a rule, and the sum."""
    spending = document["spending"]
    rows: list[tuple[str, ...]] = [("rule", "alpha", "without harm", "with harm")]
    for rule in document["rules"]:
        declared, spent = spending["declared"][rule["id"]], spending["spent"][rule["id"]]
        rows.append(
            (rule["id"][:LONGEST_ID], percent(declared), percent(spent), next(iter(_power(rule)), "-"))
        )
    return [*rows, ("sum", percent(spending["total_declared"]), percent(spending["total_spent"]), "")]
