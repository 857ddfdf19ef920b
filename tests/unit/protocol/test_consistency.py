"""Whether windows agree, at the edges that the example files do not reach."""

import pytest

from checks.protocol.consistency import (
    alphas_share_the_familywise_alpha,
    control_holds_a_block,
    escalation_reaches_a_role,
    windows_apart,
)
from checks.protocol.model import Alerts, Multiplicity
from checks.rules import Rule
from checks.rules.kinds.count import CountRule
from checks.rules.kinds.timing import TimingRule


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


def rules(*alphas: float) -> dict[int, Rule]:
    why = {"rationale": "an example", "source": "no charter"}
    count = CountRule.model_validate({"id": "count", "kind": "count", "cases": 3, **why})
    timing = [
        TimingRule.model_validate(
            {"id": f"t{n}", "kind": "timing", "method": "e_process", "alpha": alpha, **why}
        )
        for n, alpha in enumerate(alphas)
    ]
    return dict(enumerate([count, *timing]))


@pytest.mark.parametrize(
    ("alphas", "within"),
    [((), True), ((0.3,), True), ((0.1, 0.1, 0.1), True), ((0.2, 0.1001), False), ((0.31,), False)],
)
def test_bonferroni_shares_no_more_than_the_familywise_alpha(alphas: tuple[float, ...], within: bool) -> None:
    """0.1 + 0.1 + 0.1 is 0.30000000000000004 in binary, and within 0.3; a count spends no alpha."""
    shared = Multiplicity.model_validate({"familywise_alpha": 0.3})
    assert (not list(alphas_share_the_familywise_alpha(rules(*alphas), shared))) is within


def test_without_a_declared_sharing_nothing_is_asked() -> None:
    none = Multiplicity.model_validate({"method": "none", "rationale": "a DSMB weighs each rule"})
    assert not list(alphas_share_the_familywise_alpha(rules(0.5, 0.5), none))
    assert not list(alphas_share_the_familywise_alpha(rules(0.5, 0.5), None))
