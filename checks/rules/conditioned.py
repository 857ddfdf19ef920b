"""The events that a timing rule judges: each with its own probability of lying in risk hours, as doses close.

An event is compared with the hours in which it could have been seen under its own dose (a stratum): probability
R / (R + C) of risk hours, and so without harm whatever its subject's rate, charting or follow-up. It is judged when
its dose has closed, in the order in which doses close, those of one moment together: what an event is held against
is then fixed, and no order of events within a dose tells where they fell. An event whose stratum has hours of one
kind alone says nothing; it is counted as such.

Where charting may react to an event, its probability is the larger of two: with the hours as charted, and with those
that there would be if the other components were measured whenever one first shows an event. The event itself stays
where it was charted. Every test is monotone in these probabilities, and so holds whether charting reacts or not. With
breathing every hour and temperatures every four, an event that calls for a temperature within two hours lies in the
risk window up to 1.5 times as often as the hours as charted say, with temperatures every six hours 19 times: these
leave few hours there. By the larger probability it never does (enumerated, for doses at each hour of the day); an
event that calls for one after three hours does up to 1.3 times.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from checks.rules.evidence import Dose, Event, Evidence, Opportunity
from checks.rules.trials import BoolArray, FloatArray, IntArray, distinct_so_far
from checks.scenario import Scenario
from checks.statistics.timing.self_controlled import Comparison, self_controlled_strata

Control = Literal["around", "before"]
Clock = Literal["none", "hours"]
Charting = Literal["as_charted", "worst"]

Stratum = tuple[int, int | None, int | None]
"""A subject, which of its doses (None: all of them) and which four hours of the clock (None: all of them)."""


@dataclass(frozen=True, slots=True)
class Strata:
    """What an event is compared with.

    Attributes
    ----------
    control
        Control hours ``around`` the dose, or those ``before`` it, since the risk window of the dose before.
    clock
        Whether the same four ``hours`` of the clock alone.
    charting
        Hours ``as_charted``, or the ``worst`` for harm of these and those of charting that reacts to events.
    united
        Whether, with the clock, the hours of all closed doses of a subject are one stratum: right for a test of all
        events at one moment. Along events, an event is known to be of its own dose, and is compared with that.
    """

    control: Control = "around"
    clock: Clock = "none"
    charting: Charting = "as_charted"
    united: bool = False

    def closes(self, opportunity: Opportunity) -> float:
        """Return the moment at which the events of a dose can be judged."""
        return opportunity.risk_closes if self.control == "before" else opportunity.closes

    def dose(self, event: Event, scenario: Scenario) -> Dose | None:
        """Return the dose under which an event counts in a scenario."""
        before = self.control == "before" and not event.in_risk[scenario]
        dose = event.before if before else event.dose
        return None if dose is None else (event.subject, dose)

    def stratum(self, dose: Dose, block: int | None) -> Stratum:
        """Return the stratum of an hour of one dose, in one block of the clock."""
        if self.clock == "none":
            return *dose, None
        return dose[0], None if self.united else dose[1], block

    def parts(self, one: Opportunity) -> Iterator[tuple[int | None, tuple[float, float]]]:
        """Yield the hours of one dose in risk and in control: by block of the clock, or all of them."""
        if self.clock == "hours":
            yield from one.by_block.items()
        else:
            yield None, (one.in_risk, one.before if self.control == "before" else one.in_control)


@dataclass(frozen=True, slots=True)
class Judged:
    """One event: whether it lies in risk hours, with which probability it would without harm, when it was judged."""

    stratum: Stratum
    in_risk: bool
    probability: float
    closes: float


@dataclass(frozen=True, slots=True)
class Conditioned:
    """The events of one scenario up to a moment, in the order in which their doses closed.

    Attributes
    ----------
    events
        Those that could have fallen either way.
    smallest
        The smallest probability of a stratum that has closed with hours of both kinds, with an event or without; None
        where none has.
    uninformative
        Events that could have fallen one way alone.
    elsewhere
        Events that no dose's hours hold: of rows without one, or, with control hours before a dose, after the last.
    waiting
        Events of doses that have not closed.
    unable
        Events at instants at which no new event could have been counted.
    """

    events: tuple[Judged, ...]
    smallest: float | None
    uninformative: int
    elsewhere: int
    waiting: int
    unable: int

    @property
    def in_risk(self) -> tuple[bool, ...]:
        """Of each event whether it lies in risk hours."""
        return tuple(event.in_risk for event in self.events)

    @property
    def probabilities(self) -> tuple[float, ...]:
        """Of each event the probability of that without harm."""
        return tuple(event.probability for event in self.events)

    @property
    def ends(self) -> tuple[int, ...]:
        """The numbers of events after which others closed later: those judged at one moment have one end."""
        closes = (*(event.closes for event in self.events), math.inf)
        return tuple(number for number, (one, after) in enumerate(pairwise(closes), start=1) if one < after)

    @property
    def seen(self) -> IntArray:
        """The events in risk hours up to each event."""
        return np.cumsum(self.in_risk, dtype=np.int64)

    def enough(self, min_events: int, min_subjects: int) -> BoolArray:
        """Return after which events there are as many in risk hours, of as many subjects, all of a moment known."""
        known = np.zeros(len(self.events), dtype=bool)
        known[np.array(self.ends, dtype=np.int64) - 1] = True
        flags = np.array(self.in_risk, dtype=bool)
        subjects = distinct_so_far([event.stratum[0] for event in self.events], flags)
        return np.asarray(known & (self.seen >= min_events) & (subjects >= min_subjects))


class StrataAsTheyClose:
    """The hours of all strata at any moment: the doses closed by then have them."""

    def __init__(self, evidence: Evidence, strata: Strata) -> None:
        self._evidence, self._strata = evidence, strata
        self._closes = {(one.subject, one.dose): strata.closes(one) for one in evidence.opportunities}
        self._places: dict[Stratum, int] = {}
        charted = (evidence.opportunities, *((evidence.reacting,) if strata.charting == "worst" else ()))
        self._charted = tuple(map(self._hours, charted))

    def _hours(self, opportunities: Sequence[Opportunity]) -> FloatArray:
        """Return, of each part of a dose (columns): place of its stratum, moment of closing, hours of both kinds."""
        parts = [
            (
                self._places.setdefault(self._strata.stratum(dose, block), len(self._places)),
                self._closes[dose],
                *hours,
            )
            for one in opportunities
            for dose in ((one.subject, one.dose),)
            for block, hours in self._strata.parts(one)
        ]
        return np.array(parts, dtype=np.float64).reshape(-1, 4).T

    def chances(self, moment: float) -> FloatArray:
        """Return the probability of each stratum by its place; nan where an event in it could fall one way alone."""
        larger: FloatArray = np.fmax.reduce([self._share_at_risk(hours, moment) for hours in self._charted])
        return np.where((larger > 0) & (larger < 1), larger, np.nan)

    def _share_at_risk(self, hours: FloatArray, moment: float) -> FloatArray:
        """Return the share of hours at risk in each stratum, of doses closed by a moment; nan without hours."""
        stratum, closes, *kinds = hours
        closed = closes <= moment
        risk, control = (
            np.bincount(stratum[closed].astype(np.int64), kind[closed], len(self._places)) for kind in kinds
        )
        every = risk + control
        share: FloatArray = np.divide(risk, every, out=np.full(len(every), np.nan), where=every > 0)
        return share

    def judge(self, scenario: Scenario, moment: float) -> Conditioned:
        """Return the events of one scenario with their probabilities, of doses closed by a moment."""
        chances = self.chances(moment)
        judged, fates = [], Counter[str]()
        for event in self._evidence.events:
            if not (event.in_risk[scenario] or event.in_control[scenario]):
                continue
            dose = self._strata.dose(event, scenario)
            closes = math.nan if dose is None else self._closes.get(dose, math.nan)
            stratum = None if dose is None else self._strata.stratum(dose, event.block)
            place = None if stratum is None else self._places.get(stratum)
            if not event.able:
                fates["unable"] += 1
            elif closes > moment:
                fates["waiting"] += 1
            elif stratum is None:
                fates["elsewhere"] += 1
            elif place is None or math.isnan(chances[place]):
                fates["uninformative"] += 1
            else:
                judged.append(Judged(stratum, event.in_risk[scenario], float(chances[place]), closes))
        return Conditioned(
            events=tuple(sorted(judged, key=lambda one: (one.closes, one.stratum[0], one.in_risk))),
            smallest=float(np.nanmin(chances)) if np.isfinite(chances).any() else None,
            uninformative=fates["uninformative"],
            elsewhere=fates["elsewhere"],
            waiting=fates["waiting"],
            unable=fates["unable"],
        )


def conditioned(evidence: Evidence, scenario: Scenario, strata: Strata) -> Conditioned:
    """Return the events of one scenario with their probabilities, of doses closed by the data cut-off."""
    return StrataAsTheyClose(evidence, strata).judge(scenario, evidence.data_cutoff)


def compare(evidence: Evidence, scenario: Scenario = Scenario.MAIN) -> Comparison:
    """Return the fixed conditional test of all events of closed doses, in one scenario of the evidence.

    The p-value is one-sided, against an excess in risk hours; ``ci95`` has the two-sided limits of the relative
    incidence by the conditional likelihood (2.5 % on either side), since an estimate is shown with both its ends.
    The upper one is infinite without an event in control hours. Events with one probability are one stratum.
    """
    return comparison(conditioned(evidence, scenario, Strata()))


def comparison(judged: Conditioned) -> Comparison:
    """Return the comparison of ``compare`` for events with their probabilities."""
    counted = Counter((event.probability, event.in_risk) for event in judged.events)
    chances = sorted({chance for chance, _ in counted})
    data = (
        [counted[chance, True] for chance in chances],
        [counted[chance, False] for chance in chances],
        chances,
        [1 - chance for chance in chances],
    )
    return replace(self_controlled_strata(*data), ci95=self_controlled_strata(*data, "two-sided").ci95)
