"""What is said of the background, of a scan, and of events that a scan could not use."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from checks.cases import Findings
from checks.cases.dose_windows import DOSES
from checks.looks import Look
from checks.looks.caveats import cannot_show, caveats
from checks.protocol import load_protocol
from checks.protocol.case_definition import Component
from checks.rules import Evidence, RuleResult, RuleVerdict
from checks.rules.evidence import BackgroundEvidence, Estimate
from checks.signals import Verdict
from checks.tables import ADMINISTRATIONS, ADVERSE_EVENTS, CHANGES, MEASUREMENTS, QUARANTINE, SUBJECTS
from checks.validation import FeedOutcome, Validation

CUTOFF = datetime(2026, 3, 1, tzinfo=UTC)
PROTOCOLS = Path(__file__).parents[2] / "fixtures" / "protocols"
GOOD, MINIMAL = (load_protocol(PROTOCOLS / name) for name in ("good.yaml", "good_minimal.yaml"))
TABLES = (SUBJECTS, ADMINISTRATIONS, MEASUREMENTS, ADVERSE_EVENTS, QUARANTINE)
NO_ROWS = Validation(
    **{table.name: table.empty() for table in TABLES}, unplaced=frozenset(), checks=(), feeds=()
)
NOTHING_FOUND = Findings(DOSES.empty(), (), (), 0.0, 0.0)
SEEN = BackgroundEvidence(
    1, 1234.5, {"window": Estimate(0.0024, (0.0001, 0.0135)), "subject": Estimate(0.0146, (0.0004, 0.0783))}
)


def said(*results, background=SEEN, protocol=GOOD):
    return caveats(look_of(evidence_of(background), results, protocol))


def evidence_of(background=SEEN):
    return Evidence((), (), background=background)


def look_of(evidence, results, protocol=GOOD, *, validation=NO_ROWS, changes=None):
    changes = CHANGES.empty() if changes is None else changes
    return Look(protocol, CUTOFF, validation, NOTHING_FOUND, evidence, results, Verdict.NO_SIGNAL, changes)


@pytest.mark.parametrize(
    ("criterion", "denser"),
    [
        ({"vital": "TEMP", "at_least": 38.3, "unit": "C"}, "vital signs"),
        ({"lab": "LYM", "above_times_uln": 2.5}, "measurements"),
    ],
)
def test_what_is_measured_too_seldom_is_named(criterion, denser):
    shown = {"shown": Component.model_validate({"any_of": [criterion]})}
    definition = GOOD.case_definition.model_copy(update={"components": shown})
    doubtful = replace(result("count", None), verdict=RuleVerdict.CROSSED, worst_case=RuleVerdict.CROSSED)
    sentence = said(doubtful, protocol=GOOD.model_copy(update={"case_definition": definition}))[0]
    assert sentence.endswith(f"lies in the risk window count: denser {denser} would decide.")


@pytest.mark.parametrize(
    ("events_best", "best_case"),
    [
        (1, "when every possible case outside the risk window counts as well: settling those would decide"),
        (
            0,
            "when only cases whose whole onset interval lies in the risk window count, and every possible case "
            "outside it: denser vital signs would decide",
        ),
    ],
)
def test_the_best_case_of_a_timing_rule_counts_possible_cases_in_control_hours(events_best, best_case):
    conditional = {"informative_events": 2, "events_best": events_best}
    doubtful = replace(result("timing", "sequential", **conditional), verdict=RuleVerdict.CROSSED)
    assert said(doubtful)[0] == f"Rule one is crossed, but not {best_case}."


def result(kind="timing", method="scan", p_value=0.5, **detail):
    answer = RuleVerdict.NOT_CROSSED
    detail |= {"window_hours": None} if method == "scan" else {}
    return RuleResult("one", kind, method, answer, answer, answer, 1, 2, 0.05, p_value=p_value, detail=detail)


def test_the_background_is_said_as_assumed_and_as_seen():
    assert said() == (
        "Background assumed by the protocol: 2.0% per subject (0.5% to 10.0%).",
        "Background seen in the same participants' own control hours: 1 new onset in 1,234 control hours, or 0.2% "
        "per window (95 % limits 0.0% to 1.4%), 1.5% per subject (95 % limits 0.0% to 7.8%).",
    )


def test_without_control_hours_or_a_declared_background_that_is_said():
    assert said(background=BackgroundEvidence(0, 0.0), protocol=MINIMAL) == (
        "Background cannot be estimated: no control hour was observed.",
    )


def test_a_scan_proves_less_and_says_what_it_left_out():
    first, *_ = said(result())
    assert first.startswith("Rule one chose its window after the events")
    assert "Rule one: 1 of 3 events lie elsewhere." in said(result(left_out="1 of 3 events lie elsewhere"))


def test_a_window_named_beforehand_is_said_of_the_other_timing_rules_alone():
    sentence = "The timing p-value holds for a window named before the events"
    assert not [text for text in said(result()) if text.startswith(sentence)]
    assert [text for text in said(result(method="self_controlled")) if text.startswith(sentence)]
    assert not [
        text for text in said(result(method="maxsprt_poisson", p_value=None)) if text.startswith(sentence)
    ]


def test_a_contradicted_null_rate_comes_before_the_backgrounds():
    found = said(replace(result("rate", "pocock"), detail={"background_contradicts": "null_rate lies below"}))
    assert found[0] == "Rule one: null_rate lies below."


@pytest.mark.parametrize(
    ("kind", "method", "detail", "doubtful"),
    [
        ("count", None, {}, "every doubtful onset"),
        ("timing", "e_process", {}, "every doubtful onset"),
        ("timing", "severity", {"blocks_scored": 9}, "every row in quarantine"),
        ("lab_limit", None, {}, "every doubtful result"),
    ],
)
def test_what_would_cross_at_worst_is_said_with_what_is_doubtful(kind, method, detail, doubtful):
    at_worst = replace(result(kind, method, None, **detail), worst_case=RuleVerdict.CROSSED)
    assert said(at_worst)[0] == (
        f"Rule one is not crossed, but would be with {doubtful} counted against the drug."
    )


def test_feeds_read_as_found_are_named():
    feed = FeedOutcome("VS", ("0" * 64,), 1, 1, 0, "passed", None, False, True, ())
    kept = replace(feed, domain="AE", received=CUTOFF)
    missing = replace(feed, domain="LB", sha256=())
    text = caveats(look_of(evidence_of(), (), validation=replace(NO_ROWS, feeds=(feed, kept, missing))))
    assert any(line.startswith("When VS was received is not on record") for line in text)


def test_rows_held_back_by_their_own_word_are_counted():
    feed = FeedOutcome("VS", ("0" * 64,), 1, 1, 0, "passed", None, False, True, (), rows_not_yet_known=1204)
    text = caveats(look_of(evidence_of(), (), validation=replace(NO_ROWS, feeds=(feed,))))
    assert any("by `known_at` they became known after the data cut-off: VS 1,204." in line for line in text)


def test_the_column_that_would_show_a_shifted_clock_is_named_where_there_is_one():
    some = look_of(evidence_of(), (), validation=replace(NO_ROWS, told_once=("EX", "VS", "AE")))
    assert caveats(some)[0] == (
        "Times of EX and VS are told once: a clock that is hours wrong there would not be seen. To deliver: RFXSTDTC "
        "in DM (the first dose) and VSELTM in VS (the hours since the dose)."
    )
    assert cannot_show(some) == (
        "Whether a clock of AE is hours wrong: its times are told once, and SDTM tells their hours nowhere else.",
    )
    sound = look_of(evidence_of(), ())
    assert "told once" not in " ".join((*caveats(sound), *cannot_show(sound)))


def test_what_later_deliveries_changed_is_counted():
    rows = [{"domain": "AE", "kind": kind} for kind in ("corrected", "deleted", "corrected")]
    changes = pd.DataFrame(rows, columns=list(CHANGES.columns))
    text = caveats(look_of(evidence_of(), (), changes=changes))
    assert (
        "Later deliveries changed what earlier ones had said (2 corrected, 1 deleted): changes.csv lists each "
        "change." in text
    )


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"problems": ("VS: VSDTC is missing",)}, "The feed VS cannot be trusted: VSDTC is missing."),
        ({"stale": True}, "The feed VS is older than the protocol allows."),
        (
            {"within_limit": False, "rows_quarantined": 1234, "rows_read": 4321},
            "The feed VS has 1,234 of 4,321 rows in quarantine; allowed: at most 20%.",
        ),
    ],
)
def test_a_feed_that_cannot_be_trusted_is_said_with_its_reason(changed, sentence):
    sound = FeedOutcome("VS", ("0" * 64,), 1, 1, 0, "passed", None, False, True, ())
    outcome = "failed" if "problems" in changed else "passed"
    seen = replace(NO_ROWS, feeds=(replace(sound, outcome=outcome, **changed),))
    assert caveats(look_of(evidence_of(), (), validation=seen))[0] == sentence
    assert not [
        text
        for text in caveats(look_of(evidence_of(), (), validation=replace(NO_ROWS, feeds=(sound,))))
        if text.startswith("The feed")
    ]
