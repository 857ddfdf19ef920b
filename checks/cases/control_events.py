"""Composite onsets in control hours, found alike to cases in risk hours."""

from dataclasses import dataclass, replace

import numpy as np

from checks.cases.charts import Charts
from checks.cases.composites import find_composites
from checks.cases.dose_windows import Block, control_blocks
from checks.cases.measured_onsets import Anchors
from checks.cases.pairing import Composite
from checks.cases.spans import HOUR, SECONDS_BITS, Spans, seconds_of
from checks.protocol import StudyProtocol


@dataclass(frozen=True, slots=True)
class ControlEvent:
    """A composite onset in control hours; in the main count where ``counted``, ``surely`` with its whole interval."""

    USUBJID: str
    counted: bool
    surely: bool
    seen: int = 0
    """Seconds since 1970 (UTC) when it was first seen, or by when it had begun if only the day is known."""


def control_events(control: Spans, charts: Charts, protocol: StudyProtocol) -> tuple[ControlEvent, ...]:
    """Return at most one event for each block of control hours, and each composite onset at most once, by subject.

    An event that needs a quarantined row is at most possible, and only where the block has no other.

    Parameters
    ----------
    control
        The control hours of all subjects: disjoint and sorted.
    charts
        Measurements and adverse events.
    protocol
        Case definition and windows.
    """
    blocks = control_blocks(control, protocol)
    events = _events(blocks, charts.trusted(), protocol)
    if charts.any_withheld:
        possible = _events(blocks, charts, protocol)
        events = {
            block: replace(event, counted=False, surely=False) for block, event in possible.items()
        } | events
    return tuple(sorted((events[block] for block in sorted(events)), key=lambda event: event.USUBJID))


def _events(blocks: Block, charts: Charts, protocol: StudyProtocol) -> dict[int, ControlEvent]:
    """Return the events by block, the surest first: an onset seen from two blocks belongs to the better one."""
    found = []
    for composite in find_composites(_block_anchors(blocks, protocol), charts, protocol):
        code = int(blocks.anchors[composite.anchor] >> SECONDS_BITS)
        event = _control_event(composite, blocks, str(charts.known[code]))
        if event is not None:
            found.append(
                (not event.counted, not event.surely, composite.anchor, code, composite.records, event)
            )
    events: dict[int, ControlEvent] = {}
    used: set[tuple[int, frozenset[str]]] = set()
    for *_, block, code, shown_by, event in sorted(found, key=lambda one: one[:3]):
        if block not in events and (code, shown_by) not in used:
            events[block] = event
            used.add((code, shown_by))
    return events


def _block_anchors(blocks: Block, protocol: StudyProtocol) -> Anchors:
    """Return pseudo-doses with their hours, as a dose has; past a last block they reach ahead for doubtful ends."""
    ahead = np.where(blocks.last, int(protocol.case_definition.washout_hours * HOUR), 1)
    return Anchors(blocks.anchors, blocks.anchors, blocks.ends + ahead, blocks.anchors)


def _control_event(composite: Composite, blocks: Block, subject: str) -> ControlEvent | None:
    start, end = blocks.starts[composite.anchor], blocks.ends[composite.anchor]
    onset = composite.onset
    seen_inside = onset.seen is not None and start <= onset.seen <= end
    if not seen_inside and not (onset.earliest <= end and onset.latest >= start):
        return None
    counted = bool(composite.certain and seen_inside)
    surely = bool(counted and onset.earliest >= start and onset.latest <= end)
    return ControlEvent(subject, counted, surely, int(seconds_of(np.asarray(onset.known_by, np.int64))))
