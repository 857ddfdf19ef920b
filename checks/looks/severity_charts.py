"""What a severity rule rests on, for a physician: participants by name, and what was charted around their dose.

A rule sees subjects as numbers and never a measurement; both are joined here, for look.json alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import pandas as pd

from checks.cases.evidence import subjects_in_order
from checks.cases.severity_scores import BEFORE, SPEAKS_FOR, scored_parts
from checks.cases.spans import HOUR
from checks.looks.document import ChartPart, ParticipantScoresPart, RestsOnPart, RuleDetail
from checks.measurements import units_for
from checks.rules import RuleResult
from checks.rules.rule import Json
from checks.stamps import stamp

if TYPE_CHECKING:
    from checks.looks.path import Look


def severity_detail(result: RuleResult, look: "Look") -> RuleDetail:
    """Return the participants of a severity rule by name, those it rests on with their charts; else nothing."""
    if "rests_on" not in result.detail:
        return {}
    names = subjects_in_order(look.findings, look.validation.unplaced)
    rests_on, every = (_rows(result.detail[key]) for key in ("rests_on", "participants"))
    return {
        "rests_on": [_listed(one, names, look) for one in rests_on],
        "participants": [_participant(one, names) for one in every],
    }


def _rows(detail: Json) -> Sequence[Mapping[str, Json]]:
    return cast("Sequence[Mapping[str, Json]]", detail)


def _participant(one: Mapping[str, Json], names: Sequence[str]) -> ParticipantScoresPart:
    named = {"USUBJID": names[cast("int", one["subject"])], **one}
    return cast("ParticipantScoresPart", {key: value for key, value in named.items() if key != "subject"})


def _listed(one: Mapping[str, Json], names: Sequence[str], look: "Look") -> RestsOnPart:
    start = pd.Timestamp(cast("int", one["start"]), unit="s", tz="UTC")
    subject = names[cast("int", one["subject"])]
    return {
        "USUBJID": subject,
        "dose_number": cast("int", one["dose_number"]),
        "dose_start": stamp(start),
        "score": cast("float", one["score"]),
        "hours": cast("list[float]", one["hours"]),
        "scores": cast("list[float | None]", one["scores"]),
        "charts": list(_charts(subject, start, look)),
    }


def _charts(subject: str, start: pd.Timestamp, look: "Look") -> Iterator[ChartPart]:
    """Yield what was charted of each scored test, from the first measurement that counts to after the window."""
    low, high = look.protocol.risk_window_hours
    rows = look.validation.measurements
    mine = rows[(rows["USUBJID"] == subject) & rows["trusted"] & (rows["earliest"] == rows["latest"])]
    hours = (mine["earliest"] - start).dt.total_seconds() / HOUR
    shown = (hours >= low - (BEFORE + SPEAKS_FOR) / HOUR) & (hours <= high + SPEAKS_FOR / HOUR)
    components = look.protocol.case_definition.components.values()
    tests = dict.fromkeys(code for one in components for part in scored_parts(one) for code, _ in part)
    for code in tests:
        of_test = mine[shown & (mine["domain"] == "VS") & (mine["test"] == code) & mine["value"].notna()]
        of_test = of_test.sort_values("earliest", kind="stable")
        yield {
            "test": code,
            "unit": units_for(code)[0],
            "hours": hours[of_test.index].round(2).tolist(),
            "values": of_test["value"].round(2).tolist(),
        }
