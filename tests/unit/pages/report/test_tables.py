"""What the tables of the report say of a rule."""

from flows.pages.report import tables


def test_each_background_of_a_rate_rule_has_its_row(signal):
    rate = next(rule for rule in signal["rules"] if rule["kind"] == "rate")
    rate["detail"] = {
        **(rate["detail"] or {}),
        "unit": "subject",
        "backgrounds": [
            {"background": "assumed, lowest", "rate": 0.005, "p_value": 0.00002, "posterior_above": 0.99997},
            {"background": "assumed", "rate": 0.02, "p_value": 0.0031, "posterior_above": 0.981},
        ],
    }
    table = tables.backgrounds_table(signal)
    said = [[cell.text for cell in row] for row in table.rows]
    assert said == [
        [f"{rate['id']}, assumed, lowest", "0.005 per participant", "<0.0001", ">99.9%"],
        [f"{rate['id']}, assumed", "0.02 per participant", "0.0031", "98.1%"],
    ]


def test_a_look_without_a_rate_rule_has_no_backgrounds(signal):
    signal["rules"] = [rule for rule in signal["rules"] if rule["kind"] != "rate"]
    assert tables.backgrounds_table(signal).rows == ()


def test_a_scan_counts_events_in_the_window_it_found(signal):
    timing = next(rule for rule in signal["rules"] if rule["kind"] == "timing")
    scanned = {
        **timing,
        "method": "scan",
        "detail": {"boundary_is": "p_value", "window_hours": [5.5, 7.0]},
        "verdict": "not_crossed",
        "events": 3,
        "n_evaluable": 7,
        "p_value": 0.04,
    }
    assert tables.observed_cell(scanned).note == "3 of 7 events in the window found"
    assert (
        tables.observed_cell({**scanned, "detail": {"boundary_is": "p_value"}}).note
        == "3 of 7 events in the risk window"
    )


def test_changes_are_counted_by_feed_and_kind(signal):
    signal["changes"] = [
        {"domain": "AE", "kind": "corrected", "number": 1},
        {"domain": "VS", "kind": "deleted", "number": 1200},
    ]
    said = [[cell.text for cell in row] for row in tables.changes_table(signal).rows]
    assert said == [["AE", "values corrected", "1"], ["VS", "records deleted", "1,200"]]


def test_a_dose_of_several_rows_says_which_hours_were_taken(signal, doses_of):
    said = [[cell.text for cell in row] for row in tables.administrations_table(doses_of(signal)).rows]
    assert said == [
        [
            "FR09-001",
            "1",
            "1; 2",
            "2023-05-01 06:00 UTC",
            "2 h",
            "interrupted at 0.25 h, resumed at 1.5 h",
            "yes",
        ],
        [
            "FR09-001",
            "2",
            "3",
            "2023-05-01 06:00 UTC to 2023-05-01 07:00 UTC",
            "0.5 h",
            "none",
            "perhaps the dose before, going on",
        ],
    ]
