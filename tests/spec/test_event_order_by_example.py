"""When events of control hours were first seen, by example."""

FEVERISH = """
    dose    2/08:00
    TEMP    00:00..2/00:00 37.0   2/00:30 38.6   2/01:00 38.6  2/02:00..3/23:00 37.0
    OXYSAT  00:00..2/00:00 97     2/00:45 85     2/01:00 85    2/02:00..3/23:00 97
"""


def test_a_control_event_was_seen_when_its_later_component_was(look):
    found = look(FEVERISH)
    (event,) = found.control_events
    (dose,) = found.doses["start_earliest"]
    assert event.counted
    assert event.seen == int(dose.timestamp()) - 7 * 3600 - 15 * 60
