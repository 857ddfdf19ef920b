"""Whether windows agree, at the edges that the example files do not reach."""

import pytest

from checks.protocol.consistency import control_holds_a_block, escalation_reaches_a_role, windows_apart
from checks.protocol.model import Alerts


@pytest.mark.parametrize(
    ("control", "apart"),
    [((8, 48), True), ((-24, 5), True), ((7.99, 48), False), ((6, 7), False), ((0, 10), False)],
)
def test_control_hours_may_touch_the_risk_window_but_not_enter_it(
    control: tuple[float, float], apart: bool
) -> None:
    assert (not list(windows_apart((5, 8), (control,)))) is apart


@pytest.mark.parametrize(
    ("control", "fits"),
    [
        (((12, 15),), True),
        (((12, 14.9),), False),
        (((14, 16), (12, 14)), True),
        (((12, 14), (13, 15)), True),
        (((12, 14), (20, 22)), False),
        (((-24, -6), (12, 13)), True),
    ],
)
def test_one_block_fits_into_hours_that_join(control: tuple[tuple[float, float], ...], fits: bool) -> None:
    assert (not list(control_holds_a_block((5, 8), control))) is fits


def test_an_alert_does_not_escalate_to_the_role_that_was_silent() -> None:
    routes = [
        {
            "role": role,
            "verdicts": ["signal"],
            "channels": ["console:"],
            "ack_within_minutes": 5,
            "escalate_to": "a",
        }
        for role in ("a", "b")
    ]
    (finding,) = escalation_reaches_a_role(Alerts.model_validate({"routes": routes}))
    assert (finding.place, finding.found) == (("alerts", "routes", 0, "escalate_to"), "'a'")
