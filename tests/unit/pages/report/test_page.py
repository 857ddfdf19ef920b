"""The page as it is written: what it says, what it never carries, and that feeds cannot command it."""

import re
from html.parser import HTMLParser

import pytest

from checks.protocol import StudyProtocol
from flows.pages.report.page import render_report

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"


class Elements(HTMLParser):
    """Collects the tags, ids and attributes of a page, and the text of each element by tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text.append(data)

    @property
    def ids(self) -> list[str]:
        return [value for name, value in self.attributes if name == "id"]


@pytest.fixture
def page(protocol, doses_of, tmp_path):
    def render(look, doses=None):
        frame = doses_of(look) if doses is None else doses
        path = render_report(look, doses=frame, protocol=protocol, out=tmp_path / "look")
        assert path == tmp_path / "look" / "report.html"
        return path.read_text(encoding="utf-8")

    return render


def _words(text: str) -> str:
    return re.sub(r"\s+", " ", " ".join(Elements(re.sub(r"<style>.*?</style>", "", text, flags=re.S)).text))


@pytest.mark.parametrize(
    ("verdict", "headline"),
    [
        ("signal", "A stopping boundary has been crossed."),
        ("watch", "No boundary is crossed, but one is near."),
        ("not_assessable", "The data do not allow an answer."),
        ("no_signal", "No stopping boundary is crossed, and none is near."),
    ],
)
def test_the_verdict_leads_in_words(page, signal, verdict, headline):
    said = _words(page({**signal, "verdict": verdict}))
    assert said.index(headline) < said.index("3 cases of fever with respiratory distress in 3 of 21")
    assert said.index("What is recommended") < said.index("Stopping rules")


def test_a_watch_beneath_what_cannot_be_assessed_is_in_the_first_line(page, not_assessable):
    said = _words(page({**not_assessable, "watch_beneath": ["rate", "three_cases"]}))
    headline = "The data do not allow an answer. A boundary is near all the same: rate, three_cases."
    assert f"Not assessable {headline}" in said
    assert "Safety physician: assess the cases listed here before the next dose is given." in said
    # what is louder stands above it
    loud = _words(page({**not_assessable, "watch_beneath": ["rate"], "standing": "signal"}))
    assert "A boundary is near" not in loud


def test_the_lead_names_study_cutoff_in_both_zones_and_look(page, signal):
    said = _words(page(signal))
    assert "2026-03-09 06:10 UTC (2026-03-09 07:10 Europe/Paris)" in said
    assert "look-2026-03-09T0610Z-7c1e" in said
    assert "postdose recommends; a DSMB decides. It is not a medical device." in said


def test_only_a_simulated_study_says_that_it_is(page, signal):
    assert "SIMULATED" in page(signal)
    assert "SIMULATED" not in page({**signal, "simulated": False})


def test_each_rule_stands_against_its_boundary_with_its_best_and_worst_case(page, signal):
    said = _words(page(signal))
    assert (
        "Have 3 participants had a case in the risk window? Crossed new signal 3 of 21 participants 3" in said
    )
    assert "log likelihood ratio 6.41" in said
    assert "0.0071 at a background of 0.02 per participant; plausible 0.005 to 0.1" in said
    assert "The best and the worst case differ for three_cases, rate, timing" in said


def test_a_timing_rule_on_p_values_shows_its_share_of_alpha(page, signal):
    signal["rules"][2] |= {"method": "self_controlled", "boundary": 0.0125}
    signal["rules"][2]["detail"] |= {"boundary_is": "p_value", "p_best": 0.03, "p_worst": 0.0002}
    said = _words(page(signal))
    assert "p = 0.00062 3 of 4 events in the risk window p \u2264 0.0125" in said
    assert "best case 0.03, worst case 0.0002" in said


def test_a_timing_rule_says_what_its_events_could_have_shown_and_how_far_it_holds(
    page, signal, severity_rule
):
    said = _words(page(signal))
    assert (
        "all of 4 informative events in risk hours would have given 0.00012; crosses up to gamma 2.51" in said
    )
    signal["rules"][2] = severity_rule
    said = _words(page(signal))
    assert "the highest scores in risk hours would have given 0.002" in said
    assert "gamma" not in said
    severity_rule["smallest_attainable_p"] = None
    assert "would have given" not in _words(page(signal))


def test_a_timing_rule_says_that_it_allows_for_charting_that_reacts(page, signal):
    assert "as if charting reacted" not in _words(page(signal))
    signal["rules"][2]["detail"]["charting"] = "worst"
    said = "against control hours of the same participants, as charted or as if charting reacted to the event"
    assert said in _words(page(signal))


def test_a_rule_that_cannot_be_evaluated_shows_its_reason_and_no_count(page, not_assessable):
    assert re.search(
        r"Not evaluable 6 of 6 elapsed windows unobserved \u2013 none yet", _words(page(not_assessable))
    )


def test_each_case_is_listed_with_its_evidence(page, signal):
    said = _words(page(signal))
    assert "VS:VSSEQ=112, VS:VSSEQ=131, AE:AESEQ=2" in said
    assert "not known interval 0\u201315.98" in said


def test_doses_are_counted_by_the_fate_of_their_window(page, signal):
    said = _words(page(signal))
    # dose 2: one evaluable of FR01-011, one open and untrusted of FR09-001; hours 3 + 1 and 40.5 + 18
    assert "Dose 2 2 1 1 0 1 4 58.5" in said
    # dose 1: FR01-004 and US01-002 evaluable, FR09-001 unobserved, all trusted; 6.25 h and 83 h
    assert "Dose 1 3 2 0 1 0 6.25 83" in said


def test_missing_statistics_are_said_not_invented(page, signal):
    signal["timing"] |= {
        "events_in_control": 0,
        "relative_incidence": None,
        "ci95": [3.1, None],
        "p_value": None,
    }
    said = _words(page(signal))
    assert "Relative incidence not estimable" in said and "3.10 to no upper limit" in said
    assert not re.search(r"\b(None|nan|inf)\b", said)


def test_a_missing_feed_is_called_missing_with_its_problem(page, not_assessable):
    assert "VS missing feeds/vs.csv is not there" in _words(page(not_assessable))


def test_text_of_a_feed_is_inert(page, signal):
    plain = Elements(page(signal))
    for case in signal["cases"]:
        case["USUBJID"] = HOSTILE
        case["components"]["fever"]["evidence"] = [HOSTILE]
    signal["caveats"] = [HOSTILE]
    signal["quarantine"][0]["message"] = HOSTILE
    signal["rules"][3]["detail"]["reason"] = HOSTILE
    signal["feeds"][0]["problems"] = [HOSTILE]
    text = page(signal)
    attacked = Elements(text)
    assert "script" not in attacked.tags and "img" not in attacked.tags
    assert not [name for name, _ in attacked.attributes if name.startswith("on")]
    assert attacked.tags.count("tr") == plain.tags.count("tr")
    assert "{{ 7*7 }}" in _words(text)


def test_characters_that_hide_or_turn_text_are_shown_as_such(page, signal):
    signal["cases"][0]["USUBJID"] = "FR01\u202e-\x00004"
    signal["caveats"] = ["half a pair: \ud800"]
    text = page(signal)
    assert "FR01\ufffd-\ufffd004" in text and "half a pair: \ufffd" in text


def test_the_page_asks_for_nothing_from_elsewhere(page, signal):
    text = page(signal)
    elements = Elements(text)
    assert not {"script", "link", "img", "iframe", "object", "embed"} & set(elements.tags)
    assert not [
        value for name, value in elements.attributes if name in {"src", "href"} and not value.startswith("#")
    ]
    assert "default-src 'none'" in text and "url(" not in text and "@import" not in text


def test_no_arm_stands_on_the_page(page, signal, protocol):
    assert isinstance(protocol, StudyProtocol)
    text = page(signal).upper()
    for name in (*protocol.treatment.names, *protocol.treatment.active_arms, "ARMCD", "EXTRT", "EXDOSE"):
        assert name.upper() not in text


def test_a_column_of_the_doses_that_tells_the_arm_is_not_shown(page, signal, doses_of):
    doses = doses_of(signal).assign(ARMCD="SECRETARM", EXDOSE=10.0)
    assert "SECRETARM" not in page(signal, doses)


def test_structure_is_semantic(page, signal):
    elements = Elements(page(signal))
    assert elements.tags.count("h1") == 1
    assert elements.tags.count("table") == elements.tags.count("caption") > 5
    drawings = [value for name, value in elements.attributes if name == "role" and value == "img"]
    assert len(drawings) == elements.tags.count("desc") == 3
    assert len(elements.ids) == len(set(elements.ids))
    named = " ".join(value for name, value in elements.attributes if name in {"aria-labelledby"})
    assert set(named.split()) <= set(elements.ids)


def test_the_same_look_gives_the_same_bytes(page, signal):
    assert page(signal) == page(dict(reversed(signal.items())))


def test_the_order_of_doses_and_cases_does_not_matter(page, signal, doses_of):
    doses = doses_of(signal)
    shuffled = {**signal, "cases": signal["cases"][::-1]}
    assert page(signal, doses) == page(shuffled, doses[::-1])


def test_three_hundred_cases_are_all_listed(page, many):
    said = _words(page(many))
    assert all(f" FR01-{place:03d} " in said for place in range(300))
    assert "The first 150 of 300 cases have a row" in said


def test_a_study_without_cases_doses_or_ledger_still_has_its_page(page, not_assessable, doses_of):
    bare = {
        key: value for key, value in not_assessable.items() if key not in {"ledger", "signals", "delivery"}
    }
    said = _words(
        page({**bare, "quarantine": [], "checks": [], "caveats": [], "timing": None}, doses_of(bare)[:0])
    )
    assert "No definite case was found." in said and "No dose is on record." in said
    assert "Timing was not evaluated at this look." in said
