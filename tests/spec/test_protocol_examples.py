"""Protocol files: the good ones load, each bad one is refused with the message that names the mistake."""

import hashlib
from pathlib import Path

import pytest

from checks.errors import ProtocolError
from checks.measurements import HoursOfTest, Worse
from checks.protocol import load_protocol

EXAMPLES = Path(__file__).parents[1] / "fixtures" / "protocols"
MESSAGES = (EXAMPLES / "messages.txt").read_text(encoding="utf-8").splitlines()
BAD = sorted(path.name for path in EXAMPLES.glob("*.yaml") if not path.name.startswith("good"))


def problems(name: str) -> list[str]:
    with pytest.raises(ProtocolError) as refusal:
        load_protocol(EXAMPLES / name)
    return [str(problem).removeprefix(f"{EXAMPLES}/") for problem in refusal.value.problems]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_message_and_no_other(name: str) -> None:
    expected = [message for message in MESSAGES if message.startswith(f"{name}:")]
    assert expected, "messages.txt says what is wrong with each file"
    assert problems(name) == expected


def test_every_message_belongs_to_a_file() -> None:
    assert {message.partition(":")[0] for message in MESSAGES} == set(BAD)


def test_ten_mistakes_in_one_file_are_listed_at_once_with_their_lines() -> None:
    found = [tuple(problem.split(": ")[:2]) for problem in problems("ten_mistakes.yaml")]
    assert found == [
        ("ten_mistakes.yaml:1", "schema_version"),
        ("ten_mistakes.yaml:2", "study.timezone"),
        ("ten_mistakes.yaml:4", "sites.FR01"),
        ("ten_mistakes.yaml:9", "feeds.ex.max_age_hour"),
        ("ten_mistakes.yaml:16", "case_definition.components.fever.any_of[0].unit"),
        ("ten_mistakes.yaml:17", "baseline_hours"),
        ("ten_mistakes.yaml:19", "control_windows_hours[0]"),
        ("ten_mistakes.yaml:21", "rules[0].cases"),
        ("ten_mistakes.yaml:22", "rules[1].unit"),
        ("ten_mistakes.yaml:23", "rules[2].id"),
    ]


@pytest.mark.parametrize(
    "name", [name for name in BAD if name.startswith(("channel_", "feed_address_", "query_with_the_url"))]
)
def test_an_address_in_place_of_a_channel_or_a_variable_is_never_repeated(name: str) -> None:
    assert "T0P-SECRET" in (EXAMPLES / name).read_text(encoding="utf-8")
    assert "T0P-SECRET" not in "".join(problems(name))


def test_a_missing_file_is_a_protocol_error(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"absent\.yaml:1: the file: found no such file"):
        load_protocol(tmp_path / "absent.yaml")


def test_the_protocol_knows_its_bytes_and_its_folder() -> None:
    protocol = load_protocol(EXAMPLES / "good.yaml")
    assert protocol.sha256 == hashlib.sha256((EXAMPLES / "good.yaml").read_bytes()).hexdigest()
    assert protocol.folder == EXAMPLES
    assert protocol.feeds.dm.path == "feeds/dm.csv"


def test_the_whole_example_has_the_values_written_in_it() -> None:
    protocol = load_protocol(str(EXAMPLES / "good.yaml"))
    assert protocol.study.id == "CYT107-IV"
    assert protocol.sites["US01"] == "America/New_York"
    assert protocol.treatment.planned_doses == 6
    assert protocol.feeds.ae is not None
    assert (protocol.feeds.ae.encoding, protocol.feeds.ae.known_at) == ("WINDOWS-1252", "entered_at")
    assert protocol.feeds.lb is not None
    assert (protocol.feeds.lb.decimal, protocol.feeds.lb.delimiter) == (",", ";")
    assert protocol.baseline_hours == 6, "the length of [-6, 0]"
    assert protocol.risk_window_hours == (5, 8)
    assert protocol.control_windows_hours == ((-24, -6), (12, 48))
    rise = protocol.case_definition.components["fever"].criteria[1]
    assert (rise.vital, rise.rise_at_least, rise.and_at_least, rise.unit) == ("TEMP", 1.0, 38.0, "C")
    assert protocol.case_definition.components["fever"].criteria[2].terms == (
        "FEVER",
        "PYREXIA",
        "HYPERTHERMIA",
    )
    assert [(rule.id, rule.kind) for rule in protocol.rules] == [
        ("three_cases", "count"),
        ("rate", "rate"),
        ("timing", "timing"),
        ("registered_alc", "lab_limit"),
    ]
    assert protocol.alerts.routes[0].escalate_to == "dsmb_chair"
    assert protocol.alerts.routes[1].brief


def test_what_is_not_written_has_the_documented_default() -> None:
    protocol = load_protocol(EXAMPLES / "good_minimal.yaml")
    assert (protocol.schedule.cron, protocol.schedule.max_look_age_hours) == ("*/30 * * * *", 2)
    limits = protocol.limits
    assert (limits.max_quarantined, limits.max_unobserved) == (0.2, 0.5)
    case = protocol.case_definition
    assert (case.onsets_within_hours, case.washout_hours) == (3, 6)
    assert case.hours_of(("VS", "TEMP")) == HoursOfTest(confirm=2, again=3, fresh=12, run=8)
    assert case.components["fever"].ends == (("VS", "TEMP"),)
    assert (protocol.same_dose_within_hours, protocol.max_administration_hours) == (2, 12)
    assert (protocol.hours_from, protocol.reporting_lag_hours) == ("start", 24)
    assert protocol.watch.cases_short_of_boundary == 1
    assert (protocol.alerts.repeat_hours, protocol.alerts.routes) == (24, ())
    assert (protocol.background, protocol.multiplicity) == (None, None)
    assert (protocol.treatment.planned_doses, protocol.treatment.active_arms) == (None, ())
    dm = protocol.feeds.dm
    assert (dm.mode, dm.decimal, dm.delimiter) == ("cumulative", ".", ",")
    assert (dm.max_age_hours, dm.encoding, dm.known_at) == (None, None, None)


def test_the_baseline_is_twelve_hours_where_the_file_does_not_say(tmp_path: Path) -> None:
    lines = (EXAMPLES / "good_minimal.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
    without = tmp_path / "protocol.yaml"
    without.write_text("".join(line for line in lines if "baseline" not in line), encoding="utf-8")
    assert load_protocol(without).baseline_hours == 12


def test_hours_and_changes_hold_for_the_tests_that_the_file_names() -> None:
    protocol = load_protocol(EXAMPLES / "good_hours.yaml")
    case = protocol.case_definition
    assert case.hours_of(("VS", "TEMP")) == HoursOfTest(confirm=1, again=2, fresh=8, run=8)
    assert case.hours_of(("VS", "OXYSAT")) == HoursOfTest(confirm=1, again=2, fresh=6, run=4)
    assert case.hours_of(("LB", "ALT")) == HoursOfTest(confirm=24, again=48, fresh=72, run=48)
    assert case.worse(("VS", "TEMP")) == Worse(by=0.5, share=0.01)
    assert case.worse(("VS", "RESP")) == Worse(by=5), "a number alone asks for no share"
    assert case.worse(("VS", "OXYSAT")) == Worse(by=4), "of the catalogue"
    assert case.worse(("VS", "MAP")) is None
    assert case.worse(("LB", "ALT")) is None
    ends = {name: component.ends for name, component in case.components.items()}
    assert ends == {"fever": (("VS", "TEMP"),), "distress": (("VS", "OXYSAT"),), "shock": ()}
    assert (protocol.same_dose_within_hours, protocol.max_administration_hours) == (1, 6)
    assert (protocol.hours_from, protocol.reporting_lag_hours, protocol.baseline_hours) == ("end", 48, 24)


def notes(name: str) -> list[str]:
    return [note.removeprefix(f"{EXAMPLES}/") for note in load_protocol(EXAMPLES / name).notes]


def test_what_an_earlier_file_says_is_read_and_how_is_noted() -> None:
    assert notes("good.yaml") == [
        "good.yaml:17: limits.max_gap_hours: not used: fresh_hours of the case definition say it by test "
        "(TEMP 12, OXYSAT 6, RESP 6, FIO2 12)",
        "good.yaml:35: baseline_hours: [-6, 0] is read as 6 hours before each measurement",
        "good.yaml:43: rules[2].method: maxsprt_binomial is read as sequential: an event is held against the hours "
        "of its own dose",
    ]


def test_when_planned_looks_are_taken_is_noted() -> None:
    assert notes("good_timing.yaml") == [
        "good_timing.yaml:23: rules[1].looks: taken at 15, 29, 44, 58, 72 closed doses",
        "good_timing.yaml:24: rules[2].looks: taken at 20, 40, 80, 160, 320 closed doses",
    ]


def test_a_test_that_has_no_worse_onset_is_noted() -> None:
    said = "so that no onset is counted where it only becomes worse"
    assert notes("good_hours.yaml") == [
        f"good_hours.yaml:33: case_definition.components.shock.any_of[0]: MAP has no worse_by, {said}",
        f"good_hours.yaml:34: case_definition.components.shock.any_of[1]: ALT has no worse_by, {said}",
    ]


def test_words_that_yaml_would_turn_into_booleans_or_numbers_are_kept_as_written() -> None:
    protocol = load_protocol(EXAMPLES / "good_yaml_words.yaml")
    assert list(protocol.sites) == ["NO", "01", "1e3", "12:30"]
    assert protocol.treatment.names == ("ON", "007")
    assert protocol.case_definition.components["fever"].criteria[0].at_least == 38.3
