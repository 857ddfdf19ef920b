"""What a reader sees first."""

from flows.pages.cases import cases_in_order
from flows.pages.sentences import feed_state, further_sentences, lead_sentence


def test_the_lead_says_what_to_whom_and_when(signal):
    said = lead_sentence(signal, "fever with respiratory distress", (5.0, 8.0))
    assert said == (
        "3 cases of fever with respiratory distress in 3 of 21 participants dosed, "
        "at 5.2\u20137.4 h after dosing; the risk window is 5\u20138 h."
    )


def test_two_cases_of_one_participant_are_one_participant(signal):
    signal["cases"][1]["USUBJID"] = "FR01-004"
    assert "3 cases in 2 of 21 participants" in lead_sentence(signal, "", (5.0, 8.0))


def test_without_a_case_it_says_so(not_assessable):
    said = lead_sentence(not_assessable, "", (5.0, 8.0))
    assert said == "No definite case in the risk window (5\u20138 h after dosing) among 4 participants dosed."


def test_cases_in_the_window_come_first_then_by_hour(signal):
    assert [case["hour"] for case in cases_in_order(signal)] == [5.2, 6.25, 7.4, None, 31.5]


def test_possible_cases_and_undelivered_alerts_are_named(signal):
    signal["delivery"] = {"outcome": "pending"}
    said = " ".join(further_sentences(signal))
    assert "1 further case may lie in the risk window" in said
    assert "Crossed: three_cases, rate, timing." in said
    assert "Alert delivery: pending" in said


def test_a_rule_that_only_the_worst_case_crosses_is_named(signal):
    signal["rules"][0]["verdict"] = "not_crossed"
    assert "Crossed only if the missing facts are at their worst: three_cases." in further_sentences(signal)


def test_feeds_at_fault_are_named_when_there_is_no_answer(not_assessable):
    said = further_sentences(not_assessable)
    assert "Feeds at fault: EX stale; VS missing." in said
    assert "6 of 6 elapsed dose windows unobserved." in said


def test_what_is_charted_too_seldom_for_an_answer_is_named(not_assessable):
    def charted(component, test, site, observed, hours):
        wanting = None if component == "fever" else 8.5
        return {
            "component": component, "test": test, "SITEID": site, "intervals": 40, "low_hours": 4.0,
            "median_hours": hours, "high_hours": 12.0, "windows": 6, "observed": observed, "fresh_hours": 6.0,
            "sufficient_hours": wanting,
        }  # fmt: skip

    not_assessable["observation"] = [
        charted("fever", "TEMP", None, 0, 12.0),
        charted("respiratory_distress", "OXYSAT", None, 2, 8.0),
        charted("respiratory_distress", "OXYSAT", "FR01", 2, 4.0),
        charted("respiratory_distress", "OXYSAT", "US01", 0, 9.0),
        charted("shock", "MAP", None, 3, 1.0),
    ]
    assert [one for one in further_sentences(not_assessable) if "Charted" in one] == [
        "Charted too seldom: fever: TEMP every 12 h (nine of ten 4 to 12 h), fresh for 6 h: observes 0 of 6 risk "
        "windows; no hours would observe half.",
        "Charted too seldom: respiratory distress: OXYSAT every 8 h (nine of ten 4 to 12 h), fresh for 6 h: observes "
        "2 of 6 risk windows; 8.5 h would observe half (FR01 2 of 6, every 4 h; US01 0 of 6, every 9 h).",
    ]


def test_a_feed_with_too_many_rows_in_quarantine_says_so(signal):
    feed = {**signal["feeds"][2], "within_limit": False}
    assert feed_state(feed) == "passed, too many rows in quarantine"


def test_the_check_that_withholds_most_of_a_feed_at_fault_is_named(not_assessable):
    part = {"domain": "VS", "check": "time_readable", "rows": 128, "message": "VS: ..."}
    held = {**not_assessable, "quarantine": [{**part, "check": "unit_known", "rows": 3}, part]}
    held["feeds"] = [{**one, "within_limit": one["domain"] != "VS", "stale": False} for one in held["feeds"]]
    held["feeds"] = [{**one, "outcome": "passed", "sha256": ["0"]} for one in held["feeds"]]
    said = "Feeds at fault: VS too many rows in quarantine (128 rows failed the check time_readable)."
    assert said in further_sentences(held)


def test_a_feed_of_which_no_row_is_left_is_not_called_stale_as_well(signal):
    feed = {**signal["feeds"][2], "within_limit": False, "stale": True}
    assert feed_state(feed) == "passed, stale, too many rows in quarantine"
    assert feed_state({**feed, "latest": None}) == "passed, too many rows in quarantine"


def test_a_feed_that_failed_and_is_stale_says_both(signal):
    assert feed_state({**signal["feeds"][2], "outcome": "failed", "stale": True}) == "failed, stale"
