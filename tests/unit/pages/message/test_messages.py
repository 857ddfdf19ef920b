"""Messages as they are read, against files that were read by a person before they were kept."""

import email
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import FileSystemLoader
from jsonschema import Draft202012Validator

from checks.protocol import StudyProtocol, load_protocol
from checks.protocol.model import Study
from flows.alerts.channels.apprised import fitted, known_service
from flows.alerts.channels.content import short_text
from flows.alerts.longest import longest_test
from flows.ledger import Head
from flows.pages.kit.rendering import environment
from flows.pages.message import (
    CaseFact,
    Event,
    Facts,
    LookFacts,
    Occasion,
    RuleFact,
    compose,
    event_message,
    look_facts,
    outgoing_message,
)
from flows.pages.message.sections import expedited_reporting, headline
from flows.pages.schemas import schema_of

TESTS = Path(__file__).parents[3]
LOOKS = TESTS / "unit/pages/report/looks"
GOLDEN = TESTS / "fixtures/messages"

STUDY = {
    "id": "SIM-IL7-01",
    "title": "Simulated interleukin-7 study in septic shock",
    "timezone": "Europe/Paris",
    "simulated": True,
}
GRADES = {"FR01-004": "3", "FR01-011": "4", "FR03-001": "severe"}
BACKGROUND = (
    "Background assumed by the protocol: 2.0% per subject (0.5% to 10.0%).",
    "Background seen in the same participants' own control hours: 1 new onset in 2,904 control hours, or 0.1% "
    "per window (95 % limits 0.0% to 0.6%).",
)


def protocol() -> StudyProtocol:
    return load_protocol(LOOKS / "protocol.yaml")


def look(name: str) -> dict[str, Any]:
    document = json.loads((LOOKS / f"{name}.json").read_text(encoding="utf-8"))
    for case in document["cases"]:
        case["grade"] = GRADES.get(case["USUBJID"])
    document["caveats"] += BACKGROUND
    return document


def signal_look(*already_told: str) -> LookFacts:
    facts = look_facts(look("signal"), protocol())
    return replace(
        facts, cases=tuple(replace(case, new=case.USUBJID not in already_told) for case in facts.cases)
    )


def watch_look() -> LookFacts:
    document = look("signal")
    document["verdict"], document["signals"] = "watch", []
    document["cases"] = document["cases"][:2]
    for rule in document["rules"]:
        if rule["verdict"] == "crossed":
            rule.update(dict.fromkeys(("verdict", "best_case", "worst_case"), "not_crossed"))
            rule.update(events=2, statistic=2.9)
    return look_facts(document, protocol())


def cleared_look() -> LookFacts:
    document = look("signal")
    document |= {"verdict": "no_signal", "cases": [], "caveats": []}
    reason = "FR01-004, dose 1: VS:VSSEQ=112 was corrected: VSORRES was 39.2 and is 36.9."
    document["signals"] = [
        {"id": "s1", "state": "cleared", "rule": "three_cases", "events": 3, "reasons": [reason]}
    ]
    for rule in document["rules"]:
        if rule["verdict"] == "crossed":
            rule.update(dict.fromkeys(("verdict", "best_case", "worst_case"), "not_crossed"))
            rule.update(events=1, statistic=0.21)
    return look_facts(document, protocol())


def study_named(name: str, **changed: str) -> Study:
    return Study.model_validate(STUDY).model_copy(update={"id": name, **changed})


def signal_new() -> Facts:
    return Facts(
        study=Study.model_validate(STUDY),
        alert="3f2a9c1d77e04b61",
        about="signal:three_cases",
        occasion=Occasion.RAISED,
        role="safety_physician",
        step=0,
        at=datetime(2026, 3, 9, 6, 11, tzinfo=UTC),
        look=signal_look(),
        acknowledge_by=datetime(2026, 3, 9, 7, 11, tzinfo=UTC),
        escalates_to="dsmb_chair",
        head=Head(41, "e6" * 32),
        report="looks/SIM-IL7-01/20260309T061000Z/report.html",
        command="postdose alerts ack 3f2a9c1d77e04b61 --by NAME --reason TEXT",
    )


def signal_worsened() -> Facts:
    return replace(
        signal_new(),
        occasion=Occasion.REOPENED,
        look=signal_look("FR01-004", "FR01-011", "FR02-006"),
        news=("US01-002, dose 1: a new case.", "FR03-001, dose 3: a new case."),
    )


def watch() -> Facts:
    return replace(signal_new(), about="verdict:watch", look=watch_look())


def not_assessable() -> Facts:
    cause = ("The feed VS is older than the protocol allows (12 h).",)
    told = look_facts(look("not_assessable"), protocol())
    return replace(signal_new(), about="verdict:not_assessable", look=told, cause=cause, held_back=2)


def cleared() -> Facts:
    return replace(
        signal_new(),
        occasion=Occasion.CLEARED,
        look=cleared_look(),
        news=("A correction of VS took back the case of US01-002, dose 1.",),
        acknowledge_by=None,
        escalates_to=None,
        command=None,
    )


def escalated() -> Facts:
    return replace(
        signal_new(),
        occasion=Occasion.ESCALATED,
        role="dsmb_chair",
        step=1,
        cause=(
            "Safety physician was told at 2026-03-09 06:11 UTC and did not acknowledge within 60 minutes.",
        ),
        escalates_to=None,
        look=signal_look("FR01-004", "FR01-011", "FR02-006", "US01-002", "FR03-001"),
    )


def dead_letter() -> Facts:
    cause = ("Safety physician, env:POSTDOSE_PHYSICIAN_URL: the mail server answered 550 5.1.1.",)
    return replace(signal_new(), occasion=Occasion.DEAD_LETTER, role="dsmb_chair", cause=cause)


def look_missing() -> Facts:
    cause = ("The last look had its data cut-off at 2026-03-09 02:00 UTC, 4.2 h ago; allowed: 2 h.",)
    return replace(signal_new(), about="look_missing", cause=cause, look=None, report=None)


def brief() -> Facts:
    return replace(signal_new(), brief=True, role="dsmb_chair")


def route_test() -> Facts:
    return replace(
        cleared(), occasion=Occasion.TEST, about="test", look=None, news=(), report=None, alert="test"
    )


MESSAGES = {
    made.__name__: made
    for made in (
        signal_new,
        signal_worsened,
        watch,
        not_assessable,
        cleared,
        escalated,
        dead_letter,
        look_missing,
        brief,
        route_test,
    )
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_what_was_read_and_kept(name: str) -> None:
    message = compose(MESSAGES[name]())
    told = f"Subject: {message.subject}\n\n{message.text}"
    assert told == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert message.html == (GOLDEN / f"{name}.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MESSAGES)
def test_the_text_fits_a_mail_and_is_ascii_where_nothing_else_was_given(name: str) -> None:
    message = compose(MESSAGES[name]())
    assert max(len(line) for line in message.text.splitlines()) <= 78
    assert message.text.isascii() and message.subject.isascii()
    assert len(message.subject) < 78


@pytest.mark.parametrize("name", MESSAGES)
def test_the_page_says_the_same_words_as_the_text(name: str) -> None:
    message = compose(MESSAGES[name]())
    assert words(shown(message.html)) == words(message.text)


@pytest.mark.parametrize("name", MESSAGES)
def test_the_page_asks_a_mail_client_for_nothing(name: str) -> None:
    page = Page()
    page.feed(compose(MESSAGES[name]()).html)
    assert page.tags.isdisjoint({"script", "img", "link", "style", "iframe", "form", "a", "svg", "object"})
    assert page.attributes.isdisjoint({"src", "href", "background", "action", "srcset", "onload", "onclick"})
    assert not re.search(r"url\(|https?:|@import", compose(MESSAGES[name]()).html)


@pytest.mark.parametrize("name", MESSAGES)
def test_no_subject_and_no_arm_is_in_a_subject_line_and_no_arm_anywhere(name: str) -> None:
    facts, message = MESSAGES[name](), compose(MESSAGES[name]())
    known = {case["USUBJID"] for case in look("signal")["cases"]}
    assert not any(subject in message.subject for subject in known)
    arms = ("CYT107", "PLACEBO", "active", "treated")
    told = json.dumps(outgoing_message(facts))
    assert not any(arm.casefold() in told.casefold() for arm in arms)


def test_a_brief_message_has_the_alerts_id_and_nothing_of_its_matter() -> None:
    told = outgoing_message(brief())
    assert set(told) == {"schema", "alert", "role", "subject", "text", "html"}
    assert (
        words(told["text"])
        == words(shown(told["html"]))
        == Counter(["there", "is", "a", "postdose", "alert", "3f2a9c1d77e04b61"])
    )
    assert told["subject"] == "postdose: alert 3f2a9c1d77e04b61"
    other = outgoing_message(
        replace(brief(), about="look_missing", study=study_named("OTHER"), look=None, cause=("x",))
    )
    assert other == told  # whatever it is about


def test_the_outbox_keeps_what_a_machine_sorts_by() -> None:
    told = outgoing_message(escalated())
    assert told["schema"] == "postdose/alert/2"
    assert (told["about"], told["occasion"], told["step"]) == ("signal:three_cases", "escalated", 1)
    assert (told["verdict"], told["acknowledge_by"]) == ("signal", "2026-03-09T07:11:00Z")
    assert "event_action" not in told and outgoing_message(cleared())["event_action"] == "resolve"
    assert outgoing_message(route_test())["test"] is True


HOSTILE = "A\r\nBcc: thief@example.org\x1b[2J\u2028\u202eB\x00<script>alert(1)</script>"


def test_what_a_protocol_or_a_feed_says_can_neither_begin_a_header_nor_hide_nor_run() -> None:
    rules = (RuleFact(HOSTILE, "crossed", HOSTILE, HOSTILE, "crossed", "not_crossed", HOSTILE),)
    case = CaseFact(
        HOSTILE, 1, "2026-03-09T00:00:00Z", 6.0, (5.0, 6.0), HOSTILE, "definite", "yes", "3", new=True
    )
    told = replace(signal_look(), rules=rules, cases=(case,), feeds=(HOSTILE,), caveats=(HOSTILE,))
    facts = replace(
        signal_new(), study=study_named(HOSTILE, title=HOSTILE), alert=HOSTILE, about=f"signal:{HOSTILE}", look=told,
        cause=(HOSTILE,), news=(HOSTILE,), report=HOSTILE, command=HOSTILE, escalates_to=HOSTILE, role=HOSTILE,
    )  # fmt: skip
    for one in (facts, replace(facts, brief=True), replace(facts, occasion=Occasion.CLEARED)):
        message = compose(one)
        assert not re.search(r"[\r\n\x00-\x1f\x7f-\x9f\u2028\u2029\u202e]", message.subject)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e]", message.text + message.html)
        assert "<script" not in message.html
        assert not re.search(r"^Bcc:", message.text, re.M)
        mail = EmailMessage()
        mail["Subject"] = message.subject
        assert list(email.message_from_bytes(mail.as_bytes()).keys()) == ["Subject"]


@pytest.mark.parametrize("study", ["S", "CYT107-IV", "A-STUDY-WITH-AN-ID-OF-FORTY-CHARACTERS-OR-", "X" * 200])
@pytest.mark.parametrize(
    "about", ["signal:r", "signal:" + "long_rule_" * 9, "delivery_failed:safety_physician"]
)
def test_a_subject_line_keeps_its_length_its_study_and_its_id(study: str, about: str) -> None:
    subject = compose(replace(signal_new(), study=study_named(study), about=about)).subject
    assert len(subject) < 78
    assert study[:20] in subject and subject.endswith("[alert 3f2a9c1d]")


@pytest.mark.parametrize(
    ("cutoff", "utc", "paris"),
    [
        ("2026-03-09T06:10:00Z", ("2026-03-16", "2026-03-24"), ("2026-03-16", "2026-03-24")),
        (
            "2026-03-09T23:30:00Z",
            ("2026-03-16", "2026-03-24"),
            ("2026-03-17", "2026-03-25"),
        ),  # 00:30 in Paris
        (
            "2026-03-25T22:30:00Z",
            ("2026-04-01", "2026-04-09"),
            ("2026-04-01", "2026-04-09"),
        ),  # across a clock change
        ("2028-02-22T12:00:00Z", ("2028-02-29", "2028-03-08"), ("2028-02-29", "2028-03-08")),  # a leap day
    ],
)
def test_expedited_days_are_counted_on_the_calendar_of_each_zone(
    cutoff: str, utc: tuple[str, str], paris: tuple[str, str]
) -> None:
    """Day 0 is the cut-off's day: 9 + 7 = 16 and 9 + 15 = 24 March; 25 March + 7 is 1 April, + 15 is 9 April."""
    said = expedited_reporting(cutoff, "Europe/Paris")
    assert f"by {utc[0]} (UTC), {paris[0]} (Europe/Paris)" in said[1] and "7 calendar days" in said[1]
    assert f"by {utc[1]} (UTC), {paris[1]} (Europe/Paris)" in said[2] and "15 calendar days" in said[2]
    assert said[0].startswith("If the sponsor assesses")


@pytest.mark.parametrize(
    ("facts", "reminded"),
    [
        (signal_new(), True),
        (watch(), True),
        (not_assessable(), False),
        (cleared(), False),
        (look_missing(), False),
    ],
)
def test_expedited_reporting_is_recalled_where_there_is_a_case_to_assess(
    facts: Facts, reminded: bool
) -> None:
    assert ("SUSAR" in compose(facts).text) is reminded


def test_an_alert_told_before_says_which_cases_are_new_and_when_none_is() -> None:
    text = " ".join(compose(replace(signal_worsened(), news=())).text.split())
    assert "2 cases new or changed: US01-002, dose 1; FR03-001, dose 3." in text
    repeated = replace(escalated(), occasion=Occasion.REPEATED)
    assert "No case is new or changed." in compose(repeated).text
    assert "new or changed" not in compose(signal_new()).text
    assert "new or changed" not in compose(signal_worsened()).text  # its news say which


def test_only_the_first_twenty_cases_are_listed_and_the_rest_is_counted() -> None:
    told = signal_look()
    many = replace(told, cases=tuple(replace(told.cases[0], USUBJID=f"S-{place:02d}") for place in range(25)))
    text = compose(replace(signal_new(), look=many)).text
    assert "S-19" in text and "S-20" not in text
    assert "and 5 more, on the page" in text


def test_the_deadline_is_said_on_both_clocks_and_who_follows() -> None:
    text = " ".join(compose(signal_new()).text.split())
    assert (
        "Acknowledge by 2026-03-09 07:11 UTC (2026-03-09 08:11 Europe/Paris). Otherwise dsmb chair is told."
        in text
    )


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.data: list[str] = []
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self._in_title = tag == "title"

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False

    def handle_data(self, data: str) -> None:
        if not self._in_title:
            self.data.append(data)


def shown(html: str) -> str:
    page = Page()
    page.feed(html)
    return " ".join(page.data)


def words(text: str) -> Counter[str]:
    return Counter(word.strip(":*") for word in text.casefold().split() if word.strip(":*"))


ALERTS = {name: partial(outgoing_message, made()) for name, made in MESSAGES.items()} | {
    "on call": partial(event_message, "3f2a9c1d", "dsmb_chair", Event.ACKNOWLEDGE, opening=2)
}


def refusals(alert: Mapping[str, Any]) -> list[str]:
    return [error.message for error in Draft202012Validator(schema_of("alert")).iter_errors(alert)]


def as_a_channel_has_it(name: str) -> dict[str, Any]:
    return {"id": "37f28da7b4c7ddc8", **json.loads(json.dumps(ALERTS[name]()))}


@pytest.mark.parametrize("name", ALERTS)
def test_every_message_fits_the_schema_of_an_alert(name: str) -> None:
    assert refusals(as_a_channel_has_it(name)) == []


@pytest.mark.parametrize("name", sorted(set(as_a_channel_has_it("signal_new")) - {"id"}))
def test_a_message_without_a_key_or_with_another_is_no_alert(name: str) -> None:
    whole = as_a_channel_has_it("signal_new")
    assert refusals({key: value for key, value in whole.items() if key != name})
    assert refusals(whole | {name: {"neither": "nor"}})
    assert refusals(whole | {f"{name}_": whole[name]})


def test_an_occasion_or_event_of_no_kind_is_no_alert() -> None:
    assert refusals(as_a_channel_has_it("signal_new") | {"occasion": "told"})
    assert refusals(as_a_channel_has_it("on call") | {"event_action": "shout"})


ROOM = [140, 160, 200, 280, 500, 1_024, 2_000, 4_096]
"""Characters that services take: 140 and 160 of text messages, 280 and 500 of short posts, up to a long chat."""
OF_A_LOOK = (
    "signal_new",
    "signal_worsened",
    "watch",
    "not_assessable",
    "cleared",
    "escalated",
    "dead_letter",
)
AT = "20260309T061000Z/report.html"


def within(room: int) -> Callable[[str], bool]:
    return lambda said: len(said) <= room


@pytest.mark.parametrize("room", ROOM)
@pytest.mark.parametrize("name", OF_A_LOOK)
def test_a_shorter_text_still_says_study_verdict_cases_alert_and_page(name: str, room: int) -> None:
    facts = MESSAGES[name]()
    said = short_text(outgoing_message(facts), within(room))
    cases = sum(case.in_risk_window == "yes" for case in facts.look.cases) if facts.look else 0
    assert len(said) <= room
    for part in ("SIM-IL7-01", headline(facts).partition(": ")[0], "3f2a9c1d", AT, "SIMULATED"):
        assert part.casefold() in said.casefold(), said
    assert said == compose(facts).text.rstrip() or f"{cases} case" in said


@pytest.mark.parametrize("room", ROOM)
def test_what_more_fits_comes_in_the_order_in_which_it_is_wanted_and_whole(room: int) -> None:
    message = outgoing_message(signal_worsened())
    said = short_text(message, within(room)).splitlines()
    known = {one for words in (*message["short"]["says"], message["short"]["more"]) for one in words}
    ending = [line for line in said if line not in known]
    assert len(ending) <= 1 and all(re.fullmatch(r"and \d+ more, in the report", line) for line in ending)
    more = [line for line in said if line in message["short"]["more"]]
    assert more == message["short"]["more"][: len(more)]


def test_a_text_that_fits_is_sent_as_it_is_and_one_that_cannot_is_in_the_fewest_words() -> None:
    message = outgoing_message(signal_new())
    assert short_text(message, within(100_000)) == message["text"].rstrip("\n")
    assert short_text(message, within(10)).splitlines()[0] == "SIM-IL7-01 SIMULATED SIGNAL"
    long = replace(signal_new(), report="/srv/" + "x" * 300 + "/SIM-IL7-01/20260309T061000Z/report.html")
    assert AT in short_text(outgoing_message(long), within(160))
    linked = replace(signal_new(), report="https://postdose.example.org/looks/SIM-IL7-01/7")
    assert "https://postdose.example.org/looks/SIM-IL7-01/7" in short_text(
        outgoing_message(linked), within(160)
    )


def test_a_brief_message_stays_as_it_is_and_one_of_an_earlier_version_has_its_subject() -> None:
    told = outgoing_message(brief())
    assert short_text(told, within(160)) == told["text"].rstrip("\n")
    earlier = {name: said for name, said in outgoing_message(signal_new()).items() if name != "short"}
    assert short_text(earlier, within(160)) == earlier["subject"]


SERVICES = [
    "twilio://AC735c307c62944b5a62944b5a62944b5a6:" + "a" * 32 + "@12223334444/15555555555",
    "sns://" + "A" * 20 + "/" + "b" * 40 + "/us-east-1/15551234567",
    "tgram://123456789:abcdefg_hijklmnop/12315544",
    "discord://webhook_id/webhook_token",
    "mastodon://token@localhost",
    "ntfy://topic",
    "pover://userkey@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
]


@pytest.mark.parametrize("address", SERVICES)
@pytest.mark.parametrize("name", ("signal_new", "cleared", "brief", "longest"))
def test_what_a_service_is_given_is_within_what_apprise_says_that_it_takes(name: str, address: str) -> None:
    service = known_service("env:POSTDOSE_X", address)
    now = datetime(2026, 3, 9, 6, 11, tzinfo=UTC)
    facts = (
        longest_test(protocol(), alert="test-3f2a9c1d", role="physician", brief=False, now=now)
        if name == "longest"
        else MESSAGES[name]()
    )
    message = outgoing_message(facts)
    title, body = fitted(message, service)
    (sent,) = service._apply_overflow(body, title, overflow="truncate")  # what Apprise would leave of it
    assert (sent["title"], sent["body"]) == (title, body)
    assert ("TEST" if name == "longest" else "3f2a9c1d") in body


def test_the_longest_test_message_is_longer_than_any_that_was_read() -> None:
    now = datetime(2026, 3, 9, 6, 11, tzinfo=UTC)
    facts = longest_test(protocol(), alert="test-3f2a9c1d", role="physician", brief=False, now=now)
    message = outgoing_message(facts)
    assert all(len(message["text"]) > 2 * len(compose(made()).text) for made in MESSAGES.values())
    assert all(rule.id in message["text"] for rule in protocol().rules)
    assert "There is no alert" in message["text"] and "TEST" in message["subject"]
    assert "SIGNAL" not in message["text"].upper().replace("NO SIGNAL", "")


def test_where_a_template_is_missing_or_broken_a_message_has_its_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, facts = compose(signal_worsened()), signal_worsened()
    monkeypatch.setattr(environment(), "loader", FileSystemLoader("/nowhere"))
    monkeypatch.setattr(environment(), "cache", None)
    plain = compose(facts)
    assert (plain.subject, plain.html) == (whole.subject, "")
    assert words(plain.text) == words(whole.text.replace("* ", ""))
