"""Each method's boundary where it can be found by hand, and what the registry holds and refuses."""

import dataclasses
import pickle

import pytest

from checks.errors import DesignError, PostdoseError
from checks.statistics.boundaries import METHODS, Boundary, calibration

OPTIONS = {
    "wang_tsiatis": {"delta": 0.25},
    "beta_binomial": {"prior": (0.2, 0.8)},
    "chen_chaloner": {"prior": (0.4, 1.6), "alternative_rate": 0.3, "nu": 0.5},
    "sprt": {"alternative_rate": 0.4},
}


def boundary(method, **changed):
    given = {"n_max": 15, "null_rate": 0.2, "alpha": 0.05, **OPTIONS.get(method, {}), **changed}
    return METHODS[method](**given)


def test_the_registry_names_every_method_of_the_protocol():
    assert set(METHODS) == {
        "pocock",
        "obrien_fleming",
        "wang_tsiatis",
        "beta_binomial",
        "chen_chaloner",
        "sprt",
        "maxsprt",
    }


@pytest.mark.parametrize("method", METHODS)
def test_one_look_is_the_fixed_sample_test(method):
    # P(Bin(15, 0.2) >= 7) = 0.018059, >= 6: 0.061051; R: pbinom(c(6, 5), 15, 0.2, lower.tail=FALSE)
    found = boundary(method, looks=[15])
    assert (found.looks, found.events) == ((15,), (7,))
    assert found.size == pytest.approx(0.018059, abs=5e-7)


@pytest.mark.parametrize("method", METHODS)
def test_two_subjects_by_hand(method):
    # Null rate 1/2, looks at 1 and 2. Crossing at 1 of 1 has size 1/2; at 2 of 2 alone 1/4; at both 1/2.
    assert boundary_at_half(method, alpha=0.3).events == (None, 2)
    assert boundary_at_half(method, alpha=0.3).size == 0.25


def boundary_at_half(method, alpha):
    options = {"chen_chaloner": {"alternative_rate": 0.6, "nu": 0.1}, "sprt": {"alternative_rate": 0.8}}
    return boundary(method, n_max=2, null_rate=0.5, alpha=alpha, **options.get(method, {}))


def test_the_critical_value_is_the_evidence_of_the_first_pair_left_out():
    # Looks at 1 and 2, null rate 1/2, alpha 0.3: 1 of 1 is left out, 2 of 2 is not.
    assert boundary_at_half("pocock", 0.3).critical_value == pytest.approx(0.5)  # P(Bin(1, 1/2) >= 1)
    # (1 - 1/2) / sqrt(2 / 4)
    assert boundary_at_half("obrien_fleming", 0.3).critical_value == pytest.approx(0.5**0.5)
    assert boundary_at_half("sprt", 0.3).critical_value == pytest.approx(0.4700036292)  # log(0.8 / 0.5)
    assert boundary_at_half("maxsprt", 0.3).critical_value == pytest.approx(0.6931471806)  # log(1 / 0.5)


def test_the_posterior_critical_value_is_a_probability():
    # Beta(1, 1) prior, 1 event in 1 subject: Beta(2, 1), P(p > 1/2) = 1 - 1/4
    found = boundary("beta_binomial", n_max=2, null_rate=0.5, alpha=0.3, prior=(1, 1))
    assert found.critical_value == pytest.approx(0.75)


@pytest.mark.parametrize("method", METHODS)
def test_a_boundary_carries_its_inputs_and_can_be_made_again(method):
    found = boundary(method, looks=[5, 10, 15])
    again = METHODS[found.method](
        n_max=found.n_max,
        null_rate=found.null_rate,
        alpha=found.alpha,
        looks=found.looks,
        **dict(found.options),
    )
    assert again == found
    assert hash(again) == hash(found)
    assert pickle.loads(pickle.dumps(found)) == found
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.size = 0.5


def test_maxsprt_takes_fewer_events_than_expected_for_no_evidence():
    # One look at 10, null rate 1/2: 3, 4 and 5 of 10 have no evidence, and 3 has P(X >= 3) = 0.945 > 0.9, so
    # 6 is the fewest: P(Bin(10, 1/2) >= 6) = (210 + 120 + 45 + 10 + 1) / 1024.
    found = boundary("maxsprt", n_max=10, looks=[10], null_rate=0.5, alpha=0.9)
    assert found.events == (6,)
    assert found.critical_value == 0
    assert found.size == pytest.approx(386 / 1024)


def test_obrien_fleming_is_wang_tsiatis_at_zero():
    fleming, family = boundary("obrien_fleming"), boundary("wang_tsiatis", delta=0)
    assert fleming.events == family.events
    assert fleming.critical_value == family.critical_value


def test_subjects_after_the_last_look_change_no_boundary():
    for method in METHODS:
        shorter = boundary(method, looks=range(1, 13), n_max=12)
        assert boundary(method, looks=range(1, 13), n_max=15).events == shorter.events


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("counts", [1, 3, 1000])
def test_the_first_band_changes_nothing(monkeypatch, method, counts):
    expected = boundary(method, n_max=60)
    monkeypatch.setattr(calibration, "FIRST_BAND", counts)
    assert boundary(method, n_max=60) == expected


def test_evidence_equal_but_for_rounding_is_not_split():
    # O'Brien-Fleming at 1/10: s of n and s + 1 of n + 10 lie equally far above the expected count, so the
    # boundary rises by one every ten looks; in doubles 0.1 * n is rounded, and they differ in the last place.
    for alpha in (0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2):
        found = boundary("obrien_fleming", n_max=40, null_rate=0.1, alpha=alpha)
        by_look = dict(zip(found.looks, found.events, strict=True))
        steps = [
            (by_look[n], by_look[n + 10])
            for n in range(1, 31)
            if by_look[n] is not None and by_look[n + 10] is not None
        ]
        assert all(later == earlier + 1 for earlier, later in steps)


REFUSED = [
    ({"n_max": 0}, "n_max: found 0; allowed: a whole number, 1 or more"),
    ({"n_max": 1_000_000_000}, "n_max: found 1000000000; allowed: at most 100,000"),
    ({"n_max": 15.0}, "n_max: found 15.0; allowed: a whole number, 1 or more"),
    ({"n_max": True}, "n_max: found True; allowed: a whole number, 1 or more"),
    ({"null_rate": 0}, "null_rate: found 0; allowed: a number between 0 and 1, both excluded"),
    ({"null_rate": 1.0}, "null_rate: found 1.0; allowed: a number between 0 and 1, both excluded"),
    ({"null_rate": float("nan")}, "null_rate: found nan; allowed: a number between 0 and 1, both excluded"),
    ({"null_rate": "0.2"}, "null_rate: found '0.2'; allowed: a number between 0 and 1, both excluded"),
    ({"alpha": 0.0}, "alpha: found 0.0; allowed: a number between 0 and 1, both excluded"),
    ({"alpha": 1.5}, "alpha: found 1.5; allowed: a number between 0 and 1, both excluded"),
    ({"looks": []}, "looks: found (); allowed: one look or more, increasing, none above n_max = 15"),
    ({"looks": 5}, "looks: found 5; allowed: a sequence of values"),
    ({"looks": "5,10"}, "looks: found '5,10'; allowed: a sequence of values"),
    ({"looks": [0, 5]}, "looks: found 0; allowed: a whole number, 1 or more"),
    ({"looks": [5, 5]}, "looks: found (5, 5); allowed: one look or more, increasing, none above n_max = 15"),
    (
        {"looks": [10, 5]},
        "looks: found (10, 5); allowed: one look or more, increasing, none above n_max = 15",
    ),
    (
        {"looks": [5, 20]},
        "looks: found (5, 20); allowed: one look or more, increasing, none above n_max = 15",
    ),
]


@pytest.mark.parametrize(("changed", "message"), REFUSED)
@pytest.mark.parametrize("method", METHODS)
def test_an_impossible_design_is_refused(method, changed, message):
    with pytest.raises(DesignError) as refusal:
        boundary(method, **changed)
    assert str(refusal.value) == message


REFUSED_OPTIONS = [
    ("wang_tsiatis", {"delta": -0.1}, "delta: found -0.1; allowed: a number from 0 to 1"),
    ("beta_binomial", {"prior": 2}, "prior: found 2; allowed: two numbers (a, b) of a beta distribution"),
    (
        "beta_binomial",
        {"prior": (1, 2, 3)},
        "prior: found (1, 2, 3); allowed: two numbers (a, b) of a beta distribution",
    ),
    ("beta_binomial", {"prior": (0, 1)}, "prior: found 0; allowed: a finite number above 0"),
    (
        "sprt",
        {"alternative_rate": 0.2},
        "alternative_rate: found 0.2; allowed: a number between 0.2 and 1, both excluded",
    ),
    (
        "chen_chaloner",
        {"alternative_rate": 0.1},
        "alternative_rate: found 0.1; allowed: a number between 0.2 and 1, both excluded",
    ),
    ("chen_chaloner", {"nu": 1.1}, "nu: found 1.1; allowed: a number from 0 to 1"),
]


@pytest.mark.parametrize(("method", "changed", "message"), REFUSED_OPTIONS)
def test_an_impossible_option_is_refused(method, changed, message):
    with pytest.raises(DesignError) as refusal:
        boundary(method, **changed)
    assert str(refusal.value) == message


def test_an_unknown_or_missing_parameter_is_refused_with_those_allowed():
    with pytest.raises(
        DesignError, match=r"pocock: found .*'delta'; allowed: n_max, null_rate, alpha, looks"
    ):
        boundary("pocock", delta=0.1)
    with pytest.raises(
        DesignError, match=r"sprt: found missing .*'alternative_rate'; allowed: .*alternative_rate"
    ):
        METHODS["sprt"](15, 0.2, 0.05)


@pytest.mark.parametrize("method", METHODS)
def test_a_rule_that_cannot_cross_within_alpha_is_refused(method):
    # One subject: its event alone has probability 0.2 > 0.05.
    with pytest.raises(
        DesignError, match=f"{method}: found no number of events that can cross within 1 subjects"
    ):
        boundary(method, n_max=1)


def test_a_posterior_condition_that_never_holds_is_refused():
    with pytest.raises(DesignError, match="chen_chaloner: found no number of events"):
        boundary("chen_chaloner", nu=1.0)


def test_a_design_error_ends_the_command_with_two():
    assert issubclass(DesignError, PostdoseError)
    assert DesignError.exit_code == 2
    assert isinstance(boundary("pocock"), Boundary)
