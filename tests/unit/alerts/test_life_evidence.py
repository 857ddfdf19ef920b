"""What is worse than when it was last told, what took it back, and what neither is."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from checks.protocol import load_protocol
from checks.tables import CHANGES
from flows.alerts.evidence import FACTS, clearing, led_by, marked, worsening
from flows.ledger import canonical
from flows.pages.message import CaseFact, LookFacts, RuleFact, look_facts

LOOKS = Path(__file__).parents[1] / "pages/report/looks"
SIGNAL = "signal:three_cases"


def case(subject: str = "S1", **changed: Any) -> CaseFact:
    made = CaseFact(
        subject, 1, "2026-03-01T08:00:00Z", 6.0, (5.5, 6.0), "fever", "definite", "yes", "3", new=False
    )
    return replace(made, **changed)


def rule(name: str = "three_cases", **changed: Any) -> RuleFact:
    return replace(RuleFact(name, "crossed", "3", "3", "crossed", "crossed"), **changed)


def look(*cases: CaseFact, rules: tuple[RuleFact, ...] = (rule(),), feeds: tuple[str, ...] = ()) -> LookFacts:
    return LookFacts("id", "2026-03-02T08:00:00Z", "signal", (), {}, rules, cases, feeds, (), ())


POSSIBLE = case(certainty="possible", in_risk_window="possible", grade=None)


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [
        ([case()], [case(), case("S2")], ["S2, dose 1: a new case."]),
        ([case()], [case(), case(dose_number=2)], ["S1, dose 2: a new case."]),
        ([case()], [case(), case(hour=30.0)], ["S1, dose 1: a new case."]),
        ([case(in_risk_window="no")], [case()], ["S1, dose 1: a new case."]),
        ([POSSIBLE], [replace(POSSIBLE, certainty="definite")], ["S1, dose 1: now definite, was possible."]),
        (
            [case(in_risk_window="possible")],
            [case()],
            ["S1, dose 1: now in the risk window, which was not sure."],
        ),
        ([case()], [case(grade="4")], ["S1, dose 1: grade 4, was 3."]),
        ([case(grade="severe")], [case(grade="1")], ["S1, dose 1: grade 1, was severe."]),
        ([case(grade=None)], [case(grade="mild")], ["S1, dose 1: grade mild, was not known."]),
        # no news: the same, in another order, an hour corrected, a case or a grade taken back, one elsewhere
        ([case(), case("S2")], [case("S2"), case()], []),
        ([case()], [case(hour=6.5, onset_hours=(6.0, 6.5))], []),
        ([case(), case("S2")], [case()], []),
        ([case(grade="4")], [case()], []),
        ([case()], [POSSIBLE], []),
        ([case()], [case(), case("S2", in_risk_window="no")], []),
    ],
)
def test_a_case_is_news_when_it_is_new_surer_or_graver(
    before: list[CaseFact], after: list[CaseFact], news: list[str]
) -> None:
    assert list(worsening(look(*before), look(*after), SIGNAL)) == news


def test_a_boundary_that_is_crossed_is_news_to_its_own_alert_and_to_those_of_a_verdict() -> None:
    other = rule("rate", best_case="not_crossed", verdict="not_crossed")
    told = look(rules=(rule(best_case="not_crossed"), other))
    now = look(rules=(rule(), other))
    said = ("Rule three_cases is crossed at best, which it was not.",)
    assert worsening(told, now, SIGNAL) == worsening(told, now, "verdict:watch") == said
    assert worsening(told, now, "signal:rate") == ()
    assert worsening(now, told, SIGNAL) == ()


def test_another_feed_at_fault_is_news_where_nothing_could_be_assessed_and_there_alone() -> None:
    told = look(feeds=("VS: stale, latest datum 08:00",))
    later = look(feeds=("VS: stale, latest datum 09:00", "EX: missing"))
    assert worsening(told, later, "verdict:not_assessable") == ("The feed EX: missing.",)
    assert worsening(told, later, SIGNAL) == ()
    restored = clearing(later, told, "verdict:not_assessable", CHANGES.empty())
    assert restored == ("The feed EX can be used again.",)


def test_what_took_a_case_back_is_named_by_feed_where_it_is_on_record() -> None:
    times = ("2026-03-02T07:00Z", "2026-03-02T09:00Z", "2026-03-02T10:00Z", "2026-03-02T09:00Z")
    changed = {
        "domain": ["AE", "VS", "EX", "AE"], "USUBJID": ["S2", "S2", "S2", "S9"], "record": ["1"] * 4,
        "kind": ["corrected"] * 4, "variable": ["X"] * 4, "before": ["a"] * 4, "after": ["b"] * 4,
        "known_at": [pd.Timestamp(one) for one in times], "delivery": ["file"] * 4,
    }  # fmt: skip
    changes = CHANGES.conform(pd.DataFrame(changed))
    told = look(case(), case("S2"), case("S3"))
    now = look(replace(POSSIBLE, USUBJID="S3"), case(grade="1"), rules=(rule(observed="1"),))
    assert clearing(told, now, SIGNAL, changes) == (
        "A correction of EX and VS took back the case of S2, dose 1.",  # that of AE was known when S2 was told
        "A correction of the data made the case of S3, dose 1 less sure.",
        "Rule three_cases was at 3 and is at 1 against a boundary of 3.",
    )


def test_a_case_is_marked_as_new_unless_it_was_told_as_it_is_and_the_own_rule_comes_first() -> None:
    told = look(case(), case("S2"), case("S4"))
    now = look(case(), case("S2", grade="4"), case("S3"), case("S4", certainty="possible"))
    now = replace(now, rules=(rule("rate"), rule()))
    assert [one.new for one in marked(now, told).cases] == [False, True, True, True]
    assert [one.new for one in marked(now, None).cases] == [True, True, True, True]
    assert [one.id for one in led_by(now, SIGNAL).rules] == ["three_cases", "rate"]
    assert [one.id for one in led_by(now, "verdict:watch").rules] == ["rate", "three_cases"]


@pytest.mark.parametrize("name", ["signal", "not_assessable"])
def test_what_a_look_told_is_read_from_its_record_as_it_was(name: str) -> None:
    document = json.loads((LOOKS / f"{name}.json").read_text(encoding="utf-8"))
    facts = look_facts(document, load_protocol(LOOKS / "protocol.yaml"))
    assert FACTS.validate_python(json.loads(canonical(asdict(facts)))) == facts
