"""How a boundary and a design are written down: percentages, runs of looks, charts, 80 columns."""

import argparse
import json
from pathlib import Path

import pytest

from checks.errors import DesignError, UsageError
from checks.protocol import load_protocol
from checks.protocol.model import Study
from checks.rules.kinds.timing import TimingRule
from flows.commands import boundary
from flows.pages.design.boundary import step_chart
from flows.pages.design.charts import boundary_figures
from flows.pages.design.document import build_design, rounded
from flows.pages.design.page import write_design
from flows.pages.design.stretches import runs
from flows.pages.design.terminal import design_text

GOOD = Path(__file__).parents[3] / "fixtures" / "protocols" / "good.yaml"
DESIGN = {"n_max": 15, "null_rate": 0.2, "alpha": 0.05}


def show(method: str, *flags: str, **changes: object) -> int:
    """Run the command with a small design, changed so."""
    parser = argparse.ArgumentParser()
    boundary.add_arguments(parser)
    named = [f"--{name.replace('_', '-')}={value}" for name, value in {**DESIGN, **changes}.items()]
    return boundary.run(parser.parse_args([method, *named, *flags]))


def test_json_holds_ten_digits_and_no_infinity() -> None:
    assert rounded({"a": (1 / 3, float("inf")), "b": {"c": 2}}) == {"a": [0.3333333333, None], "b": {"c": 2}}


def test_consecutive_looks_with_one_boundary_are_one_row() -> None:
    assert list(runs((1, 2, 3, 5, 6), (None, 2, 2, 2, 3))) == [(0, 0), (1, 2), (3, 3), (4, 4)]


def test_the_step_chart_stands_on_the_boundary() -> None:
    lines = step_chart((1, 2, 3, 4), (None, 2, 2, 3), 4)
    width = 4 * 17  # seventeen columns a subject
    assert lines[1] == "     3 |" + " " * 51 + "#" * 17
    assert lines[2] == "     2 |" + " " * 17 + "#" * 34
    assert lines[3] == "     1 |"
    assert lines[4] == " " * 7 + "+" + "-" * width


@pytest.mark.parametrize("n_max", [1, 3, 40, 71, 200, 1000])
def test_no_line_of_a_boundary_is_longer_than_80_columns(
    n_max: int, capsys: pytest.CaptureFixture[str]
) -> None:
    show("maxsprt", n_max=n_max, alpha=0.3)
    text = capsys.readouterr().out
    assert max(len(line) for line in text.splitlines()) <= 80
    assert text.isascii()


def test_grouped_looks_are_dots_and_consecutive_ones_lines() -> None:
    names = {"x_name": "participants", "y_name": "cases"}
    (grouped,) = boundary_figures([5, 10], [2, 3], last=10, **names)
    assert grouped(1).count('class="dot"') == 2 + 1  # its sign in the legend
    assert 'class="edge"' not in grouped(1)
    (every,) = boundary_figures([1, 2, 3], [None, 2, 2], last=3, **names)
    assert 'class="dot"' not in every(1)
    assert every(1).count('class="edge"') == 1 + 1
    assert boundary_figures([1], [None], last=1, **names) == ()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"looks": "5,x"}, UsageError, r"--looks: found '5,x'; allowed: whole numbers separated by commas"),
        ({"rates": "a"}, UsageError, r"--rates: found 'a'; allowed: numbers separated by commas"),
        ({"prior": "1;2"}, UsageError, r"--prior: found '1;2'; allowed"),
        ({"delta": 0.2}, DesignError, r"pocock: found .*delta.*; allowed: n_max"),
        ({"alpha": 2.0}, DesignError, r"alpha: found 2.0; allowed"),
        ({"looks": "5,3"}, DesignError, r"looks: found \(5, 3\); allowed"),
        ({"rates": "1.5"}, DesignError, r"rates: found .*; allowed: numbers from 0 to 1"),
    ],
)
def test_a_bad_parameter_is_named(changes: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        show("pocock", "--json", **changes)


def test_an_unknown_method_lists_those_there_are() -> None:
    with pytest.raises(DesignError, match=r"method: found 'pockok'; allowed: pocock, obrien_fleming"):
        show("pockok", "--json")


def test_an_option_that_was_not_given_is_not_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    show("pocock", "--json")
    assert json.loads(capsys.readouterr().out)["options"] == {}


def test_the_page_is_self_contained_and_can_be_signed(tmp_path: Path) -> None:
    paths, design = write_design(load_protocol(GOOD), tmp_path)
    page = paths["html"].read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "src=" not in page
    assert (
        page.count('<svg viewBox="0 0 380 220"') == 5
    )  # two for count and rate each, one for the timing rule
    for word in ("DSMB chair", "DSMB statistician", "Name", "Signature", "Date"):
        assert f">{word}</th>" in page
    assert json.loads(paths["json"].read_text(encoding="utf-8")) == build_design(load_protocol(GOOD), design)
    text = design_text(design, load_protocol(GOOD), Path("design.html"))
    assert max(len(line) for line in text.splitlines()) <= 80
    said = " ".join(text.split())
    assert (
        "does not cover what the rules spend together without harm: at most 7.46%" in said
    )  # .0496, two cases of 2 to 7 and then three, in plain sums, and .025
    assert "three_cases has no alpha of its own, and crosses without harm in 4.57% of trials of 40" in said
    for heading in ("First crosses here", "Expected participants", "Expected events in risk hours"):
        assert heading in page


def test_nothing_computed_is_not_shown_as_no_risk(tmp_path: Path) -> None:
    protocol = load_protocol(GOOD)
    count_alone = protocol.model_copy(update={"rules": protocol.rules[:1]})
    paths, design = write_design(count_alone, tmp_path)
    text = design_text(design, count_alone, paths["html"])
    assert "No such probability could be computed for three_cases." in text
    assert "add up to" not in text
    assert " 0.0%" not in text


def test_text_of_the_protocol_stays_text(tmp_path: Path) -> None:
    attack = "<script>window.ran = true</script>"
    study = Study.model_validate({"id": "S", "title": attack, "timezone": "Europe/Paris"})
    paths, _ = write_design(load_protocol(GOOD).model_copy(update={"study": study}), tmp_path)
    assert attack not in paths["html"].read_text(encoding="utf-8")


def test_a_severity_rule_says_what_holds_by_construction_and_that_its_power_is_not_known(
    tmp_path: Path,
) -> None:
    rule = {"id": "worst_turns", "kind": "timing", "method": "severity", "alpha": 0.025, "looks": 3}
    declared = TimingRule.model_validate({**rule, "rationale": "an example", "source": "no charter"})
    protocol = load_protocol(GOOD)
    protocol = protocol.model_copy(update={"rules": (protocol.rules[0], protocol.rules[1], declared)})
    paths, design = write_design(protocol, tmp_path)
    assert design.spending.spent["worst_turns"] == 0.025
    page = paths["html"].read_text(encoding="utf-8")
    assert "at most, by construction" in page
    assert "looks: 3 planned, called by closed doses" in page
    text = " ".join(design_text(design, protocol, paths["html"]).split())
    assert "exact permutation test" in text
    assert "Crosses with harm: as often as charting shows it" in text
    assert "Not simulated: worst_turns" in text


def test_a_timing_rule_says_how_many_events_it_needs_and_what_calls_its_looks(tmp_path: Path) -> None:
    rule = {"id": "locked", "kind": "timing", "method": "self_controlled", "alpha": 0.025, "looks": 5}
    declared = TimingRule.model_validate({**rule, "rationale": "an example", "source": "no charter"})
    protocol = load_protocol(GOOD).model_copy(update={"rules": (declared,)})
    paths, _ = write_design(protocol, tmp_path)
    page = " ".join(paths["html"].read_text(encoding="utf-8").split())
    assert "looks: 5 planned, called by closed doses" in page
    assert "2 events, all in risk hours" in page
    assert "at the planned ratio; of 1: p 0.053, 2: p 0.0028" in page
