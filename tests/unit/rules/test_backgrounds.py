"""A rate rule says how far the background moves its answer, and when control hours contradict it."""

import pytest
from evidence_by_hand import by_subject, step
from scipy import stats

from checks.rules import Evidence
from checks.rules.evidence import AssumedRate, BackgroundEvidence, Estimate
from checks.rules.kinds.rate import RateRule, contradiction, over_backgrounds, posterior_above, tail

RATE = {
    "id": "rate",
    "kind": "rate",
    "method": "pocock",
    "unit": "subject",
    "n_max": 40,
    "null_rate": 0.02,
    "alpha": 0.05,
    "rationale": "an example",
    "source": "no charter",
}


def rule(**changed):
    return RateRule.model_validate({**RATE, **changed})


def seen(estimate=0.04, ci95=(0.01, 0.09), unit="subject"):
    assumed = {"subject": AssumedRate(0.05, (0.02, 0.2))}
    return BackgroundEvidence(8, 1500.0, {unit: Estimate(estimate, ci95)}, assumed)


@pytest.mark.parametrize(
    ("rate", "p_value", "posterior"),
    [
        (0.02, 0.0030, 0.992),
        (0.05, 0.036, 0.939),
        (0.10, 0.184, 0.786),
        (0.15, 0.396, 0.615),
        (0.20, 0.602, 0.460),
    ],
)
def test_three_of_fifteen_run_from_alarming_to_nothing_on_the_background_alone(rate, p_value, posterior):
    """The worked example of the published trial: 3 of 15, a prior worth ten subjects."""
    assert tail(3, 15, rate) == pytest.approx(p_value, abs=5e-4)
    assert posterior_above(3, 15, rate, 10) == pytest.approx(posterior, abs=5e-4)


@pytest.mark.parametrize(
    ("events", "n", "whole"), [(2, 9.2, 10), (2, 9.0, 9), (2, 6 * (1 / 6) + 8, 9), (2, 1.5, 2)]
)
def test_open_units_are_rounded_up_to_a_whole_number(events, n, whole):
    assert tail(events, n, 0.1) == pytest.approx(stats.binom.sf(events - 1, whole, 0.1))


def test_no_event_is_never_rare():
    assert tail(0, 0.0, 0.02) == tail(0, 12, 0.02) == 1.0


def test_the_backgrounds_are_those_assumed_and_those_seen_in_increasing_order():
    found = over_backgrounds(rule(), 3, 15, seen())
    assert [(one["background"], one["rate"]) for one in found] == [
        ("assumed, lowest", 0.02),
        ("null rate", 0.02),
        ("estimated", 0.04),
        ("assumed", 0.05),
        ("estimated, upper limit", 0.09),
        ("assumed, highest", 0.2),
    ]
    assert [round(one["p_value"], 3) for one in found] == [
        round(float(stats.binom.sf(2, 15, one["rate"])), 3) for one in found
    ]
    posterior = [one["posterior_above"] for one in found]
    assert posterior == sorted(posterior, reverse=True)


def test_the_prior_of_the_rule_weighs_as_the_rule_says():
    """Beta(0.4, 19.6) is centred on 0.02 and worth 20: P(p > 0.02 | 3 of 15)."""
    found = over_backgrounds(
        rule(method="beta_binomial", prior=(0.4, 19.6)), 3, 15, BackgroundEvidence(0, 0.0)
    )
    assert [one["background"] for one in found] == ["null rate"]
    assert found[0]["posterior_above"] == pytest.approx(stats.beta.sf(0.02, 0.4 + 3, 19.6 + 12))


def test_control_hours_without_an_event_leave_their_upper_limit():
    names = {one["background"] for one in over_backgrounds(rule(), 1, 9, seen(0.0, (0.0, 0.05)))}
    assert "estimated" not in names
    assert "estimated, upper limit" in names


@pytest.mark.parametrize(
    ("ci95", "where"),
    [((0.03, 0.09), "below"), ((0.001, 0.015), "above"), ((0.02, 0.09), None), ((0.0, 0.02), None)],
)
def test_a_null_rate_outside_the_limits_is_contradicted(ci95, where):
    sentence = contradiction(rule(), seen(0.01, ci95))
    if where is None:
        assert sentence is None
    else:
        low, high = ci95
        assert sentence == (
            f"null_rate 0.02 per subject lies {where} the 95 % limits {low:g} to {high:g} of the same subjects' "
            "control hours (8 in 1,500 observed hours)"
        )


def test_limits_of_another_unit_contradict_nothing():
    assert contradiction(rule(), seen(0.5, (0.4, 0.6), unit="window")) is None


def result(background, **changed):
    path = [step("bmw" if n in {3, 9, 14} else "") for n in range(15)]
    found = Evidence(*by_subject(path), planned_doses=1, background=background)
    return rule(**changed).evaluate(found)


def test_a_rate_result_carries_its_p_value_at_the_assumed_background():
    found = result(seen(0.04, (0.03, 0.09)))
    assert found.p_value == pytest.approx(stats.binom.sf(2, 15, 0.05))
    assert found.detail["boundary_is"] == "events"
    assert found.detail["background_contradicts"].startswith("null_rate 0.02 per subject lies below")
    assert [one["rate"] for one in found.detail["backgrounds"]] == [0.02, 0.02, 0.04, 0.05, 0.09, 0.2]


def test_without_an_assumed_background_the_null_rate_is_it():
    found = result(BackgroundEvidence(0, 0.0))
    assert found.p_value == pytest.approx(0.0030, abs=5e-5)
    assert "background_contradicts" not in found.detail
