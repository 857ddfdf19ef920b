"""The design page: what the rules spend, then each rule, then signatures."""

from collections.abc import Mapping
from pathlib import Path

from checks.design import (
    Combined,
    CombinedCrossing,
    CountedDesign,
    ProtocolDesign,
    RuleDesign,
    Spending,
    TimingDesign,
    UnratedDesign,
    design_protocol,
)
from checks.looks import code_version
from checks.protocol import StudyProtocol
from flows.files import clear_leftovers, write_whole
from flows.pages.design.document import build_design, to_json
from flows.pages.design.in_charts import charts_notes, charts_table
from flows.pages.design.in_worlds import InWorlds, exceeds_alpha, upper_end, worlds_notes, worlds_tables
from flows.pages.design.rule_sections import LENGTHS, rule_section, with_error
from flows.pages.design.spending import spending_sentences
from flows.pages.kit.rendering import render
from flows.pages.kit.tables import Cell, Table, cells
from flows.pages.kit.words import DASH, percent, plural
from flows.simulate.chart_trials import ChartTrials

SEED, SIMULATIONS = 1, 10_000
"""Fixed, so that a protocol has one design; at a probability of 0.05 the Monte Carlo error is 0.002."""

LONGEST_ID = 24
"""Letters of a rule's id at a terminal: the whole row fits into 80 columns."""

OF_A_DESIGN = ("design.json", "design.html")

SIGNATORIES = ("DSMB chair", "DSMB statistician", "For the sponsor")
"""Who agrees to the rules before they are used."""


def write_design(
    protocol: StudyProtocol,
    out: Path,
    *,
    subjects: int | None = None,
    in_charts: ChartTrials | None = None,
    in_worlds: InWorlds | None = None,
) -> tuple[Mapping[str, Path], ProtocolDesign]:
    """Write design.json and design.html into ``out``; return their paths, by ending, and the design."""
    design = design_protocol(protocol, seed=SEED, simulations=SIMULATIONS, subjects=subjects)
    texts = {
        "json": to_json(build_design(protocol, design, in_charts, in_worlds)),
        "html": _page(design, protocol, in_charts, in_worlds),
    }
    clear_leftovers([out])
    paths = {ending: out / f"design.{ending}" for ending in texts}
    for ending, path in paths.items():
        write_whole(path, texts[ending])
    return paths, design


def _page(
    design: ProtocolDesign, protocol: StudyProtocol, in_charts: ChartTrials | None, in_worlds: InWorlds | None
) -> str:
    study = protocol.study
    return render(
        "design/design.html.j2",
        tab=f"Design of the stopping rules · {study.id}",
        study=study,
        simulated=study.simulated,
        design=design,
        spending=design.spending,
        sentences=lead_sentences(design, in_worlds),
        exceeds=exceeds_alpha(design, in_worlds) is not None,
        overview=_overview(design, protocol),
        rules=tuple(map(rule_section, design.rules, protocol.rules)),
        combined=combined_tables(design.combined),
        combined_notes=combined_notes(design.combined),
        in_worlds=() if in_worlds is None else worlds_tables(in_worlds, design),
        in_worlds_notes=() if in_worlds is None else worlds_notes(in_worlds),
        in_charts=None if in_charts is None else charts_table(in_charts),
        in_charts_notes=() if in_charts is None else charts_notes(in_charts),
        signatories=SIGNATORIES,
        protocol_sha256=protocol.sha256,
        code_version=code_version(),
    )


def lead_sentences(design: ProtocolDesign, in_worlds: InWorlds | None = None) -> tuple[str, ...]:
    """Return what a reader must know first: what the rules spend together against what is declared."""
    said = (
        exceeds_alpha(design, in_worlds),
        *spending_sentences(design.spending),
        _any_rule(design),
        upper_end(design, in_worlds),
    )
    return tuple(text for text in said if text)


def _any_rule(design: ProtocolDesign) -> str:
    combined, alpha = design.combined, design.spending.familywise_alpha
    if combined is None:
        return ""
    at = _harmless(combined)
    low, high = at.any_rule.ci95
    against = "" if alpha is None else f", {_beside(alpha, low, high)}"
    return (
        f"Simulated together at a rate of {at.rate:g} per participant, at least one crosses without harm in "
        f"{percent(at.any_rule.value)} of trials (95% limits {percent(low)} to {percent(high)}){against}."
    )


def _beside(alpha: float, low: float, high: float) -> str:
    """Return where a simulated probability lies beside the declared alpha, its limits considered."""
    if high <= alpha:
        return f"within the declared {percent(alpha)}"
    return f"{'above' if low > alpha else 'not told apart from'} the declared {percent(alpha)}"


def _harmless(combined: Combined) -> CombinedCrossing:
    """Return the crossing at the rate that is taken for harmless, in risk and in control hours."""
    null = combined.null_rate
    return next(one for one in combined.crossings if one.rate == one.background_rate == null)


def _overview(design: ProtocolDesign, protocol: StudyProtocol) -> Table:
    spending = design.spending
    rows = [
        cells(
            Cell(rule.id, note=declared.question()),
            percent(spending.declared[rule.id], missing=DASH),
            _spent(spending, rule),
            ", ".join(_power(rule)) or DASH,
        )
        for rule, declared in zip(design.rules, protocol.rules, strict=True)
    ]
    bound = f"at most {percent(spending.bound)}" if spending.bound else DASH
    total = cells(
        "Together",
        _declared_sum(spending, missing=DASH),
        Cell(bound, tone="poor" if spending.within is False else ""),
        DASH,
    )
    return Table(
        "What each rule declares, and what it spends when there is no harm",
        ("Rule", "Alpha declared", "Crosses without harm", "Crosses with harm"),
        (*rows, total),
    )


def _declared_sum(spending: Spending, *, missing: str) -> str:
    """Return the sum of the alphas, or what is said where there was nothing to add up."""
    known = any(alpha is not None for alpha in spending.declared.values())
    return percent(spending.total_declared) if known else missing


def _spent(spending: Spending, rule: RuleDesign) -> Cell:
    """Return what a rule spends, marked where that is more than it declares."""
    spent, declared = spending.spent[rule.id], spending.declared[rule.id]
    exceeds = spent is not None and declared is not None and spent > declared
    return Cell(percent(spent, missing=DASH), _how(rule), "poor" if exceeds else "")


def _how(rule: RuleDesign) -> str:
    """Return how a rule's probability of crossing without harm was found."""
    if isinstance(rule, TimingDesign) and not rule.surveillance:
        return "at most, by construction"
    if isinstance(rule, TimingDesign) and any(one.size_error is not None for one in rule.surveillance):
        return "at most; simulated below"
    return "no error rates" if isinstance(rule, UnratedDesign) else "exact"


def _power(rule: RuleDesign) -> tuple[str, ...]:
    """Return how often a rule crosses at two truths that are harmful beyond the doubt of the background."""
    if isinstance(rule, CountedDesign):
        doubtful = max([rule.null_rate or 0.0, *(rate for rate, _ in rule.background)])
        shown = zip(rule.rates, rule.reject_probability, strict=True)
        return tuple(f"{percent(share)} at {rate:.3g}" for rate, share in shown if rate > doubtful)[:3:2]
    if isinstance(rule, TimingDesign) and rule.surveillance:
        longest = rule.surveillance[-1]
        within = f"{longest.length:g} {LENGTHS[rule.length_unit]}"
        shown = zip(rule.relative_incidence, longest.power, strict=True)
        return tuple(f"{percent(share)} at {ratio:g} times in {within}" for ratio, share in shown)[1:3]
    return ()


NOT_SIMULATED = "Not simulated: the protocol names no number of participants, or no rate without harm."


def combined_tables(combined: Combined | None) -> tuple[Table, ...]:
    """Return how often the rules cross in the same simulated trials, and when: one column a true rate."""
    if combined is None:
        return (Table("", (), (), NOT_SIMULATED),)
    crossings = combined.crossings
    columns = ("True rate per participant", *(f"{one.rate:g} {_truth(one)}" for one in crossings))
    any_rule = (with_error(one.any_rule.value, one.any_rule.standard_error) for one in crossings)
    first_rule = (_stop(one.subjects, one.cases) for one in crossings)
    crosses, stops = [cells("Any rule", *any_rule)], [cells("First of the rules", *first_rule)]
    for name in combined.rules:
        crosses.append(cells(name, *(percent(one.by_rule[name].value) for one in crossings)))
        found = (_stop(one.subjects_by_rule[name], one.cases_by_rule[name]) for one in crossings)
        stops.append(cells(name, *found))
    trials = f"trials of {combined.subjects} participants with {plural(combined.doses, 'dose')} each"
    when = "Expected participants / cases among them when it crosses, or at the end"
    return (
        Table(f"Crosses in simulated {trials}", columns, tuple(crosses)),
        Table(when, columns, tuple(stops)),
    )


def _stop(subjects: float, cases: float) -> str:
    return f"{subjects:.1f} / {cases:.1f}"


def _truth(one: CombinedCrossing) -> str:
    return "no harm" if one.rate == one.background_rate else "harm"


def combined_notes(combined: Combined | None) -> tuple[str, ...]:
    """Return what must be known of the simulation of all rules together."""
    if combined is None:
        return ()
    harm = f"Where there is harm, control hours keep the rate of {combined.null_rate:g} per participant."
    return (harm, *combined.notes)


def overview_rows(design: ProtocolDesign) -> list[tuple[str, ...]]:
    """Return the overview for a terminal: a header, one row a rule, and all together."""
    spending = design.spending
    rows: list[tuple[str, ...]] = [("rule", "alpha", "without harm", "with harm")]
    for rule in design.rules:
        declared, spent = spending.declared[rule.id], spending.spent[rule.id]
        rows.append((rule.id[:LONGEST_ID], percent(declared), percent(spent), next(iter(_power(rule)), "-")))
    bound = f"at most {percent(spending.bound)}" if spending.bound else "-"
    return [*rows, ("together", _declared_sum(spending, missing="-"), bound, "")]
