"""What ``check`` says of a severity rule: tests that are not scored, an option that is not used."""

from pathlib import Path

from checks.protocol import load_protocol, notes
from checks.rules.kinds.timing import TimingRule

GOOD = Path(__file__).parents[2] / "fixtures" / "protocols" / "good.yaml"


def protocol(**options):
    rule = {"id": "worst", "kind": "timing", "method": "severity", "alpha": 0.01, "looks": 3, **options}
    declared = TimingRule.model_validate({**rule, "rationale": "an example", "source": "no charter"})
    good = load_protocol(GOOD)
    return good.model_copy(update={"rules": (*good.rules, declared)})


def test_a_test_without_a_floor_is_named_where_a_rule_asks_for_severity():
    (note,) = notes.tests_that_are_not_scored({}, protocol())
    assert note.said == "FIO2 has no floor, so that severity does not score it"
    assert note.place == ("case_definition", "components", "respiratory_distress", "any_of", 3)
    assert not list(notes.tests_that_are_not_scored({}, load_protocol(GOOD)))


def test_permutations_are_accepted_and_said_not_to_be_used():
    (note,) = notes.permutations_of_severity({}, protocol(permutations=9999))
    assert note.place == ("rules", 4, "permutations")
    assert "not used" in note.said
    assert not list(notes.permutations_of_severity({}, protocol()))
