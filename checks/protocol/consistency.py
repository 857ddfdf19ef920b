"""How the sections of a study protocol must agree with one another.

Each rule is a function whose parameters are the sections it reads, by name; it runs when those sections could
be read, whatever is wrong elsewhere, so that every problem is listed at once.
"""

from collections.abc import Callable, Iterator, Mapping
from inspect import signature

from checks.fields import Pair
from checks.problems import ProblemAt, one_of, shown
from checks.protocol.case_definition import CaseDefinition, Component
from checks.protocol.feeds import Feeds
from checks.protocol.model import Alerts, Multiplicity, Treatment
from checks.rules import Rule
from checks.rules.plan import merged

ROUNDING = 1e-12
"""Shares of alpha such as 0.1, 0.1 and 0.1 do not add up to 0.3 in binary."""

Rules = Mapping[int, Rule]
"""The rules that could be read, by their place in the file."""


def _hours(window: Pair) -> str:
    return f"[{window[0]:g}, {window[1]:g}]"


def windows_run_forward(risk_window_hours: Pair) -> Iterator[ProblemAt]:
    """Require a risk window that is not empty and follows the dose."""
    if not risk_window_hours[0] < risk_window_hours[1]:
        yield ProblemAt(("risk_window_hours",), _hours(risk_window_hours), "a start before the end")
    if risk_window_hours[0] < 0:
        yield ProblemAt(
            ("risk_window_hours",), _hours(risk_window_hours), "a start at the dose (0) or after it"
        )


def control_windows_run_forward(control_windows_hours: tuple[Pair, ...]) -> Iterator[ProblemAt]:
    """Require control windows that are neither empty nor reversed."""
    for place, window in enumerate(control_windows_hours):
        if not window[0] < window[1]:
            yield ProblemAt(("control_windows_hours", place), _hours(window), "a start before the end")


def windows_apart(risk_window_hours: Pair, control_windows_hours: tuple[Pair, ...]) -> Iterator[ProblemAt]:
    """Require that no control hour is a risk hour; sharing an end point shares no hours."""
    low, high = risk_window_hours
    for place, (start, end) in enumerate(control_windows_hours):
        if start < high and low < end and start < end:
            allowed = f"hours outside the risk window {_hours(risk_window_hours)}"
            yield ProblemAt(("control_windows_hours", place), _hours((start, end)), allowed)


def control_holds_a_block(
    risk_window_hours: Pair, control_windows_hours: tuple[Pair, ...]
) -> Iterator[ProblemAt]:
    """Require that one block, as long as the risk window, fits into uninterrupted control hours."""
    block = risk_window_hours[1] - risk_window_hours[0]
    longest = max(end - start for start, end in merged(control_windows_hours))
    if longest < block:
        found = f"at most {longest:g} uninterrupted hours"
        allowed = f"at least {block:g}, the length of the risk window {_hours(risk_window_hours)}"
        yield ProblemAt(("control_windows_hours",), found, allowed)


def onsets_can_be_observed(feeds: Feeds) -> Iterator[ProblemAt]:
    """Require a feed that can show a component: vital signs or adverse events."""
    if feeds.vs is None and feeds.ae is None:
        yield ProblemAt(
            ("feeds",), "neither vs nor ae", "a feed of vitals (vs), of adverse events (ae), or both"
        )


FHIR_DOMAINS = ("DM", "EX", "VS", "AE", "LB")
"""The domains that have FHIR resources of their own: see ``flows.feeds.readers.fhir``."""

RESULT_DOMAINS = ("VS", "LB")
"""The problems domains: a row for each test."""


def formats_serve_their_domains(feeds: Feeds) -> Iterator[ProblemAt]:
    """Require of each feed a format, and a layout, that its domain can be read from."""
    for domain, source in feeds.by_domain().items():
        place = ("feeds", domain.lower())
        if source.format == "fhir" and domain not in FHIR_DOMAINS:
            listed = ", ".join(FHIR_DOMAINS).lower()
            yield ProblemAt((*place, "format"), "fhir", f"sdtm or edc; fhir serves {listed}")
        if source.layout is not None and source.layout.results and domain not in RESULT_DOMAINS:
            listed = " and ".join(RESULT_DOMAINS).lower()
            yield ProblemAt(
                (*place, "layout", "results"), "results", f"columns alone; results serve {listed}"
            )


def site_is_of_subjects(feeds: Feeds, sites: Mapping[str, str]) -> Iterator[ProblemAt]:
    """Require that only DM names the site of its subjects, and that it is one of the study."""
    for domain, source in feeds.by_domain().items():
        place = ("feeds", domain.lower(), "site")
        if source.site is not None and domain != "DM":
            yield ProblemAt(
                place, f"it beside {domain}", "a site beside dm: subjects have sites, rows have subjects"
            )
        elif source.site is not None and source.site not in sites:
            yield ProblemAt(place, shown(source.site), one_of(tuple(sites), source.site))


def keys_serve_their_domains(feeds: Feeds) -> Iterator[ProblemAt]:
    """Require that codes of tests are told of VS, and how exactly columns are known of the feed that has them."""
    for domain, source in feeds.by_domain().items():
        place, told = ("feeds", domain.lower()), source.time_precision
        if source.test_codes is not None and domain != "VS":
            yield ProblemAt((*place, "test_codes"), f"them beside {domain}", "test_codes beside vs")
        for number, column in enumerate((told and told.columns) or ()):
            if not column.startswith(domain):
                where = (*place, "time_precision", "columns", number)
                yield ProblemAt(where, shown(column), f"a column of {domain}, such as {domain}ENDTC")


SHOWN_BY = {"VS": "vitals", "LB": "laboratory tests", "AE": "terms"}
"""What criteria name in each domain."""


def _out_of_reach(component: Component, feeds: Feeds) -> list[str]:
    """Return the domains without a feed for want of which the component can never be met; none if it can."""
    declared = feeds.by_domain()
    asked = {one.DOMAIN for one in component.criteria}
    missing = [domain for domain in SHOWN_BY if domain in asked and domain not in declared]
    return missing if component.all_of or len(missing) == len(asked) else []


def components_are_reachable(feeds: Feeds, case_definition: CaseDefinition) -> Iterator[ProblemAt]:
    """Require that the declared feeds can meet each component."""
    if feeds.vs is None and feeds.ae is None:
        return
    for name, component in case_definition.components.items():
        missing = _out_of_reach(component, feeds)
        if missing:
            needed = " and ".join(SHOWN_BY[domain] for domain in missing)
            without = " and ".join(missing).lower()
            found = f"a component that needs {needed}, without a feed {without}"
            allowed = f"the feed {without}, or other criteria"
            yield ProblemAt(("case_definition", "components", name), found, allowed)


def rules_fit_the_treatment(rules: Rules, treatment: Treatment) -> Iterator[ProblemAt]:
    """Require of each rule what its kind requires of the planned doses."""
    for place, rule in rules.items():
        for problem in rule.disagreements(treatment.planned_doses):
            yield ProblemAt(("rules", place, *problem.place), problem.found, problem.allowed)


def rule_ids_are_unique(rules: Rules) -> Iterator[ProblemAt]:
    """Require an id for each rule alone."""
    first: dict[str, int] = {}
    for place, rule in rules.items():
        if first.setdefault(rule.id, place) != place:
            found = f"{shown(rule.id)} again, as in rules[{first[rule.id]}]"
            yield ProblemAt(("rules", place, "id"), found, "an id for each rule alone")


def alphas_share_the_familywise_alpha(rules: Rules, multiplicity: Multiplicity | None) -> Iterator[ProblemAt]:
    """Require, of rules that share one alpha (Bonferroni), that together they spend no more than it."""
    if multiplicity is None or multiplicity.method != "bonferroni":
        return
    total = sum(rule.declared_alpha or 0.0 for rule in rules.values())
    if total > multiplicity.familywise_alpha + ROUNDING:
        found = f"alphas that add up to {total:.6g}"
        allowed = (
            f"at most {multiplicity.familywise_alpha:g} in all, the familywise_alpha that bonferroni shares"
        )
        yield ProblemAt(("rules",), found, allowed)


def escalation_reaches_a_role(alerts: Alerts) -> Iterator[ProblemAt]:
    """Require that an unanswered alert goes on to another role that has a route."""
    roles = tuple(dict.fromkeys(route.role for route in alerts.routes))
    for place, route in enumerate(alerts.routes):
        others = tuple(role for role in roles if role != route.role)
        if route.escalate_to is not None and route.escalate_to not in others:
            allowed = one_of(others, route.escalate_to) if others else "a role with a route of its own"
            yield ProblemAt(("alerts", "routes", place, "escalate_to"), shown(route.escalate_to), allowed)


AGREEMENTS: tuple[Callable[..., Iterator[ProblemAt]], ...] = (
    windows_run_forward,
    control_windows_run_forward,
    windows_apart,
    control_holds_a_block,
    onsets_can_be_observed,
    site_is_of_subjects,
    keys_serve_their_domains,
    formats_serve_their_domains,
    components_are_reachable,
    rules_fit_the_treatment,
    rule_ids_are_unique,
    alphas_share_the_familywise_alpha,
    escalation_reaches_a_role,
)


def disagreements(sections: Mapping[str, object]) -> Iterator[ProblemAt]:
    """Yield what is wrong between the sections that could be read, by their key in the file."""
    for agreement in AGREEMENTS:
        needed = signature(agreement).parameters
        if all(name in sections for name in needed):
            yield from agreement(**{name: sections[name] for name in needed})
