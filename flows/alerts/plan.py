"""The plan of an alert: who is notified first, who follows whom, until when; frozen into the record that opens it.

A protocol that is changed later alters no plan that runs: what was signed when the alert was raised holds until the
alert is taken, closed, or opened again.
"""

from collections.abc import Iterable, Sequence

from checks.protocol.model import Alerts, Route
from flows.ledger.life import Channel, Plan, Post


def plan_for(about: str, alerts: Alerts) -> Plan:
    """Return the plan of an alert.

    Of a crossed rule, a watch, or a look that is not assessable, the roles whose route names that verdict are
    notified at once. The monitor's own alerts mean that nothing is assessed, and go to the roles of
    ``not_assessable``, or to every role where none has it: somebody must know that nobody watches. That a role
    cannot be reached is news to the others.
    """
    kind, _, what = about.partition(":")
    verdict = "signal" if kind == "signal" else what if kind == "verdict" else "not_assessable"
    first = {route.role for route in alerts.routes if verdict in route.verdicts}
    if kind not in ("signal", "verdict"):
        first = first or {route.role for route in alerts.routes}
    if kind == "delivery_failed":
        everyone = {route.role for route in alerts.routes}
        first = (first - {what}) or (everyone - {what}) or first
    return Plan(tuple(_posts(alerts.routes, first, verdict)), alerts.repeat_hours)


def _posts(routes: Sequence[Route], first: set[str], verdict: str) -> Iterable[Post]:
    """Yield the post of each role notified at once, in the protocol's order, then of each that follows one."""
    waiting = [role for role in dict.fromkeys(route.role for route in routes) if role in first]
    seen = set(waiting)
    for role in waiting:  # grows while it is walked; each role comes once, so a circle of roles ends
        post = _post([route for route in routes if route.role == role], verdict, first=role in first)
        if post.escalate_to is not None and post.escalate_to not in seen:
            seen.add(post.escalate_to)
            waiting.append(post.escalate_to)
        yield post


def _post(routes: Sequence[Route], verdict: str, *, first: bool) -> Post:
    """Join the routes of one role: those that name the verdict, or all where none does; the most urgent one leads."""
    meant = [route for route in routes if verdict in route.verdicts] or list(routes)
    channels: dict[str, Channel] = {}
    for route in meant:
        for name in route.channels:
            brief = route.brief or (name in channels and channels[name].brief)
            channels[name] = Channel(name, brief)
    asked = [route for route in meant if route.ack_within_minutes is not None]
    urgent = min(asked, key=lambda route: route.ack_within_minutes or 0, default=meant[0])
    followed = next((r.escalate_to for r in [urgent, *asked] if r.escalate_to is not None), None)
    return Post(meant[0].role, tuple(channels.values()), urgent.ack_within_minutes, followed, first)
