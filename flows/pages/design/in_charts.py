"""What a protocol would do in charts that a user has, as a design shows it: one table, and what it rests on."""

from checks.rules.designs import Estimate
from flows.pages.kit.tables import Cell, Table, cells
from flows.pages.kit.words import DASH, plural
from flows.pages.sentences import charting_texts
from flows.simulate.chart_trials import ChartTrials, InCharts


def charts_table(found: ChartTrials) -> Table:
    """Return how often each rule crosses, and cases are seen, without and with planted cases: one column each."""
    settings = found.settings
    rows = [cells(name, *(_share(one.by_rule[name]) for one in settings)) for name in settings[0].by_rule]
    rows += [
        cells("Any rule", *(_share(one.any_rule) for one in settings)),
        cells("Watch alone", *(_share(one.watch) for one in settings)),
        cells("Planted case seen", *(_share(one.yes) for one in settings)),
        cells("Seen, or possible", *(_share(one.yes_or_possible) for one in settings)),
    ]
    planting = settings[0].planting
    caption = (
        f"Trials of {plural(planting.subjects, 'participant')} in real charts, {found.trials} of each kind, "
        "and the share of them in which each rule crosses"
    )
    return Table(caption, ("", *map(_heading, settings)), tuple(rows))


def charts_notes(found: ChartTrials) -> tuple[str, ...]:
    """Return what must be known of the trials in charts."""
    planting = found.settings[0].planting
    return (
        f"Drawn from {plural(found.charts, 'chart')}, with up to {plural(planting.doses, 'dose')} each at random "
        "hours while charting lasts; a planted case is fever and respiratory distress for 3 to 6 hours that begin "
        "in the risk window. An alert nurse takes the temperature where distress is seen, a lazy one does not.",
        "Limits on the page are exact, 95%, as if trials were independent; sharing charts, they are truly wider.",
        *(f"Charted there: {said}." for said, _ in charting_texts(found.charting)),
    )


def _heading(one: InCharts) -> str:
    cases = one.planting.cases
    return f"{plural(cases, 'case')}, {one.planting.nurse} nurse" if cases else "No case"


def _share(share: Estimate | None) -> Cell:
    if share is None:
        return Cell(DASH)
    low, high = share.ci95
    return Cell(f"{share.value:.1%}", note=f"{low:.1%} to {high:.1%}")  # seen so often: all of them is 100%
