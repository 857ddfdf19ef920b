"""What a protocol does in simulated charting: how often it crosses without harm, how soon with."""

from checks.design import CountedDesign, ProtocolDesign, RuleDesign, Spending, TimingDesign
from checks.rules.designs import Estimate
from flows.pages.kit.tables import Cell, Table, cells
from flows.pages.kit.words import DASH, number, p_text, percent, plural
from flows.simulate.world_trials import EVEN, Delay, InWorld, NotSimulated, WorldTrials

InWorlds = WorldTrials | NotSimulated

JOINED = "\N{WORD JOINER}"
"""Keeps both limits on one line: nine scenarios are long enough."""


def exceeds_alpha(design: ProtocolDesign, in_worlds: InWorlds | None) -> str | None:
    """Return that all rules together do not hold the familywise alpha at the upper end of the background, if so.

    They do not where the lower limit is above alpha in trials of events alone or in simulated charting, in any world;
    the first of them is told.
    """
    alpha, combined = design.spending.familywise_alpha, design.combined
    if alpha is None or combined is None:
        return None
    even = [one for one in combined.crossings if one.rate == one.background_rate]
    upper = max(one.rate for one in even)
    found = [(one.any_rule, "") for one in even if one.rate == upper]
    if isinstance(in_worlds, WorldTrials):
        found += [(one.any_rule, _where(one)) for one in in_worlds.without_harm if one.rate == upper]
    above = [one for one in found if one[0].ci95[0] > alpha]
    if not above:
        return None
    share, where = above[0]
    end = "the upper end of the background's range" if len(even) > 1 else "the rate without harm"
    return (
        f"All rules together cross without harm in {percent(share.value)} of trials at {end} "
        f"({_rate(upper)} of participants{where}): above the declared {_rate(alpha)}."
    )


def upper_end(design: ProtocolDesign, in_worlds: InWorlds | None) -> str | None:
    """Return how often any rule crosses in simulated charting at the upper end, where that is not above alpha."""
    if not isinstance(in_worlds, WorldTrials) or exceeds_alpha(design, in_worlds):
        return None
    upper = max(one.rate for one in in_worlds.without_harm)
    found = [one for one in in_worlds.without_harm if one.rate == upper]
    worst = max(found, key=lambda one: one.any_rule.value)
    even = next(one for one in found if one.world == EVEN)
    return (
        f"In simulated charting, at the upper end of the background ({_rate(upper)} of participants), at least one "
        f"crosses without harm in {percent(even.any_rule.value)} of trials where rates are even, and in at most "
        f"{percent(worst.any_rule.value)} in each of the scenarios below."
    )


def _where(one: InWorld) -> str:
    return ", charting simulated" if one.world == EVEN else f"; simulated: {one.said}"


def _rate(rate: float) -> str:
    return f"{100 * rate:.3g}%"


def worlds_tables(found: InWorlds, design: ProtocolDesign) -> tuple[Table, ...]:
    """Return how often each rule crosses without harm, a row a world; what each needs, and how soon it crosses."""
    if isinstance(found, NotSimulated):
        return (Table("", (), (), f"Charting is not simulated: {found.reason}."),)
    return _without_harm(found, design.spending), _with_harm(found, design)


def _without_harm(found: WorldTrials, spending: Spending) -> Table:
    names = tuple(found.without_harm[0].by_rule)
    familywise, upper = spending.familywise_alpha, max(one.rate for one in found.without_harm)
    rows = [
        cells(
            Cell(_named(one), note=one.said if one.world != EVEN or one.rate == upper else ""),
            f"{one.subjects_with_case:.1%}",
            *(_share(one.by_rule[name], spending.declared[name] or familywise) for name in names),
            _share(one.any_rule, familywise),
        )
        for one in found.without_harm
    ]
    caption = (
        f"Crosses without harm in simulated charting: {found.trials} trials a row, each of "
        f"{plural(found.subjects, 'participant')} with {plural(found.doses, 'dose')}"
    )
    return Table(caption, ("Scenario", "With a case", *names, "Any rule"), tuple(rows))


def _named(one: InWorld) -> str:
    """Return the name of a row: the even world stands there at several rates."""
    return f"even, {_rate(one.rate)}" if one.world == EVEN else one.world.replace("_", " ")


def _share(share: Estimate, alpha: float | None) -> Cell:
    """Return a share with its limits, marked where even the lower one is above alpha."""
    low, high = share.ci95
    above = alpha is not None and low > alpha
    limits = f"{100 * low:.1f}{JOINED}{DASH}{JOINED}{high:.1%}"
    return Cell(f"{share.value:.1%}", limits, "poor" if above else "")


def _with_harm(found: WorldTrials, design: ProtocolDesign) -> Table:
    rules = {rule.id: rule for rule in design.rules}
    rows = [_delay_row(name, _needs(rules[name]), one) for name, one in found.with_harm.items()]
    rows.append(_delay_row("Any rule", Cell(DASH), found.with_harm_any_rule))
    caption = (
        f"With harm: in {found.harmed} of the first {found.harmed_of} participants one dose brings about an event, "
        "and a nurse is alert; how often, and so many hours after the last of these onsets, each rule has crossed"
    )
    return Table(caption, ("Rule", "Needs", "Crosses", "Half of trials by", "Nine of ten by"), tuple(rows))


def _delay_row(name: str, needs: Cell, one: Delay) -> tuple[Cell, ...]:
    return cells(name, needs, _share(one.crosses, None), _hours(one.median), _hours(one.ninth_decile))


def _hours(hours: float | None) -> str:
    return DASH if hours is None else f"{number(round(hours, 1))} h"


def _needs(rule: RuleDesign) -> Cell:
    """Return what a rule needs at least to cross, and the smallest p-value that this has."""
    if isinstance(rule, TimingDesign) and rule.smallest_attainable_p:
        p_values = rule.smallest_attainable_p
        return Cell(f"{plural(len(p_values), 'event')} (p {p_text(p_values[-1])})", "all in risk hours")
    if isinstance(rule, CountedDesign) and any(rule.events):
        return Cell(plural(min(one for one in rule.events if one), "case"))
    return Cell(DASH)


def worlds_notes(found: InWorlds) -> tuple[str, ...]:
    """Return what must be known of the simulated charting."""
    if isinstance(found, NotSimulated):
        return ()
    rates = " or ".join(_rate(one.rate) for one in found.without_harm if one.world == EVEN)
    upper = _rate(max(one.rate for one in found.without_harm))
    return (
        f"Where rates are even, {rates} of participants have an event in a risk window without harm (the background "
        f"and its range), elsewhere {upper}. Charting hides some and dates others elsewhere: a look "
        "finds those with a case.",
        f"{found.slot_test} is taken in four-hour slots, {' and '.join(found.hourly_tests) or 'nothing'} hourly, "
        f"four minutes off at most; doses are {plural(found.days_between_doses, 'day')} apart. Participants are "
        "charted from before the first control hours to after the last.",
        "Limits are exact, 95%. Marked with ! is a share whose lower limit is above the alpha of its rule; of a rule "
        "without one, and of any rule, above the familywise alpha.",
        "With harm the declared background goes on. Looks are taken as made whenever an onset is seen and whenever "
        "hours of a dose close, and measurements as entered at once. 0 h: it had crossed before the last of these "
        f"onsets. {DASH}: fewer trials ever cross.",
        f"Seed {found.seed}: the same protocol and number of trials (--trials) give the same numbers.",
    )


def worlds_said(found: InWorlds) -> tuple[str, ...]:
    """Return each scenario in a line, for where a table has no room for it."""
    if isinstance(found, NotSimulated):
        return ()
    said = {one.world: one.said for one in found.without_harm}
    return tuple(f"{name.replace('_', ' ')}: {text}" for name, text in said.items())
