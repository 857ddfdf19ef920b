"""Print how often a look finds cases planted in real charts, and how often each rule crosses with and without them.

Run from the root, with a folder of charts (dm.csv and vs.csv or vs.csv.gz as SDTM) or several, and scenarios::

    python tests/benchmarks/bench_power.py CHARTS... [--scenario alert_5_8 none ...] [--trials 100] [--seed 1]
                                           [--out power.jsonl] [--processes 1] [--delays 10] [--at-once 1]

Each trial is a random planting (``flows.simulate.planting``) of its own seed, looked at by ``checks.look`` in this
process, without files; or, with ``--at-once``, many are searched together from their tables,
feeds unchecked and times to a signal not sought: some twenty times as fast, and the same but for rows that checks
withhold. Its record is a line of ``--out``; a run that was interrupted goes on where it stopped, and
records of other code are not mixed in.

Counted as seen (``flows.simulate.chart_trials.how_seen``) is a case of the planted subject, listed under the planted
dose, whose interval holds the hour at which both components became visible, or ends or begins within 3 hours of it:
*yes* where its ``in_risk_window`` is yes, *possible* where it is that. A planted case that never became visible is
looked for at its onset. Beside it stand the reader of the chart, who knows the planting and sees a case where both
components are charted in the window, and the oracle, who needs no chart. Limits are those of Clopper and Pearson
(Biometrika 1934;26:404-13), 95 %, as if planted cases were independent; a few subjects are drawn again and again,
so they are somewhat too narrow.

Rules are judged twice on what one look found: many, each by itself at alpha .05, and those of the example protocol
at their own. ``in_risk`` (main analysis, worst case) and ``in_control`` are numbers of events.
"""

import argparse
import itertools
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from trial_records import done_before, kept, share

from checks import load_protocol, look
from checks.errors import ProtocolError
from checks.looks import code_version, evidence_of
from checks.protocol import StudyProtocol
from checks.rules import Evidence
from checks.signals import decide_verdict, evaluate_rules, too_little_observed
from flows.simulate.chart_trials import how_seen, look_at_planted
from flows.simulate.planted import EXAMPLE, PlantedStudy, plant, planted_protocol
from flows.simulate.planting import Planting
from flows.simulate.real_charts import Charts, read_charts
from flows.simulate.side_by_side import named, search

Judged = tuple[Evidence, StudyProtocol]
"""What the rules of a protocol see, and the protocol."""

WINDOWS = {"1_3": (1.0, 3.0), "5_8": (5.0, 8.0), "10_14": (10.0, 14.0)}
MILD = {"RESP": (26.0, 34.0), "OXYSAT": (86.0, 91.0), "TEMP": (38.3, 38.9)}


@dataclass(frozen=True)
class Scenario:
    """What is planted, and tests that are taken out of the charts before."""

    planting: Planting
    without: tuple[str, ...] = ()


SCENARIOS = {
    **{
        f"{nurse}_{name}": Scenario(Planting(window=window, nurse=nurse))
        for name, window in WINDOWS.items()
        for nurse in ("alert", "lazy")
    },
    "alert_3_of_15": Scenario(Planting(subjects=15)),
    "lazy_3_of_15": Scenario(Planting(subjects=15, nurse="lazy")),
    **{f"normal_{share}": Scenario(Planting(normal_share=share / 100)) for share in (10, 25, 50)},
    **{
        f"normal_{share}_in_runs": Scenario(Planting(normal_share=share / 100, in_runs=True))
        for share in (10, 25, 50)
    },
    "short": Scenario(Planting(lasts=(1.2, 2.5))),
    "mild": Scenario(Planting(shows=MILD)),
    "resp_alone": Scenario(Planting(), without=("OXYSAT",)),
    "none": Scenario(Planting(cases=0)),
    "none_at_nine": Scenario(Planting(cases=0, dose_hour=9.0)),
    "none_beyond_chart": Scenario(Planting(cases=0, beyond_chart=True)),
}

TWO = {"min_events": 2, "min_subjects": 2}
PRIOR = {"prior": [0.2, 9.8]}
THREE = {"min_events": 3, "min_subjects": 3}
RATES: dict[str, dict[str, Any]] = {
    "pocock": {},
    "obrien_fleming": {},
    "wang_tsiatis": {"delta": 0.25},
    "beta_binomial": PRIOR,
    "chen_chaloner": {**PRIOR, "alternative_rate": 0.2, "nu": 0.1},
    "sprt": {"alternative_rate": 0.2},
    "maxsprt": {},
}
TIMINGS: dict[str, dict[str, Any]] = {
    "self_controlled": {"method": "self_controlled", "looks": 5, **THREE},
    "one_look": {"method": "self_controlled", "looks": 1, **THREE},
    "sequential": {"method": "sequential", "n_max": 20, **THREE},
    "sequential_of_two": {"method": "sequential", "n_max": 10, **TWO},
    "e_process": {"method": "e_process", **THREE},
    "e_process_of_two": {"method": "e_process", **TWO},
    "severity": {"method": "severity", "looks": 3, "min_subjects": 2},
    "severity_one_look": {"method": "severity", "looks": 1, "min_subjects": 2},
    "severity_e_process": {"method": "severity_e_process", "min_subjects": 2},
    "scan": {"method": "scan", "looks": 3, **THREE},
    "maxsprt_poisson": {"method": "maxsprt_poisson", "expected_max": 0.5, "min_events": 1, "min_subjects": 1},
}
ALONE_ALPHA, ALONE_NULL_RATE, ALONE_N_MAX = 0.05, 0.02, 20
WHY = {"rationale": "measured by itself", "source": "made up"}
DELAYS_HOURS = (0.25, 1, 2, 3, 6, 12, 24, 48, 72, 96, 120, 168, 336)
"""Hours after the third planted case became visible at which it is asked whether there is a signal yet."""


# ---------------------------------------------------------------------------------------------- protocols


def alone_document(example: dict[str, Any]) -> dict[str, Any]:
    """Return the example's study with rules that are each measured by itself."""
    shared = {"alpha": ALONE_ALPHA, **WHY}
    rate = {"kind": "rate", "unit": "subject", "n_max": ALONE_N_MAX, "null_rate": ALONE_NULL_RATE, **shared}
    rules = [{"id": "three_cases", "kind": "count", "cases": 3, **WHY}]
    rules += [{"id": f"r_{name}", "method": name, **rate, **more} for name, more in RATES.items()]
    rules += [{"id": f"t_{name}", "kind": "timing", **shared, **more} for name, more in TIMINGS.items()]
    return {
        **example,
        "limits": {"max_quarantined": 0.2, "max_unobserved": 0.5, "max_gap_hours": 4},
        "baseline_hours": [-12, 0],
        "background": {"rate": ALONE_NULL_RATE, "unit": "subject", "range": [0.005, 0.1], **WHY},
        "multiplicity": {"method": "none", "rationale": "each rule is measured by itself"},
        "rules": rules,
    }


def loaded(document: dict[str, Any]) -> StudyProtocol:
    """Return a protocol without those rules that this version does not offer; which these are is said once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "protocol.yaml"
        path.write_text(json.dumps(document))  # JSON is YAML; aliases would be refused
        try:
            return load_protocol(path)
        except ProtocolError as refusal:
            at = {
                int(one.path[6 : one.path.index("]")])
                for one in refusal.problems
                if one.path.startswith("rules[")
            }
            if not at:
                raise
    kept = [rule for place, rule in enumerate(document["rules"]) if place not in at]
    return loaded({**document, "rules": kept})


@cache
def protocols(window: tuple[float, float], doses: int) -> tuple[StudyProtocol, StudyProtocol]:
    """Return the protocol of rules by themselves and the example's, for a planted window."""
    text = planted_protocol(EXAMPLE, ["S1"], Planting(window=window, doses=doses))
    document = yaml.safe_load(text)
    return loaded(alone_document(document)), loaded(document)


@cache
def charts_of(folder: str, without: tuple[str, ...]) -> Charts:
    """Return the charts of a folder, read once in each process."""
    return read_charts(Path(folder), without=without)


# ------------------------------------------------------------------------------------------------ a trial


def trial(folder: str, name: str, delay: bool, seed: int) -> dict[str, Any]:
    """Plant one study, look at it, and return what was seen."""
    scenario = SCENARIOS[name]
    study = plant(charts_of(folder, scenario.without), replace(scenario.planting, seed=seed))
    alone, example = protocols(scenario.planting.window, scenario.planting.doses)
    seen = look_at_planted(study, alone)
    its_own = evidence_of(seen.findings, seen.validation, example)
    record = told(folder, name, study, seen, (seen.evidence, alone), (its_own, example))
    late = delay and record["verdict"] == "signal"
    return {**record, "delay": delay_of(study, alone, example) if late else None}


def trials_at_once(folder: str, name: str, seeds: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Yield the records of many trials, which are searched at once."""
    scenario = SCENARIOS[name]
    charts = charts_of(folder, scenario.without)
    studies = {seed: plant(charts, replace(scenario.planting, seed=seed)) for seed in seeds}
    alone, example = protocols(scenario.planting.window, scenario.planting.doses)
    doses = _together(studies, "ex", {"EXSEQ": "EXSEQ", "EXSTDTC": "time"})
    columns = {
        "VSSEQ": "sequence",
        "VSTESTCD": "test",
        "VSORRES": "value",
        "VSORRESU": "unit",
        "VSDTC": "time",
    }
    charted = _together(studies, "vs", columns).astype({"value": float})
    cutoff = max(datetime.fromisoformat(study.truth["data_cutoff"]) for study in studies.values())
    found = search(doses, charted, alone, cutoff)
    by_itself, its_own, cases = found.evidence(alone), found.evidence(example), found.cases()
    for seed, study in studies.items():
        seen = SimpleNamespace(cases=cases.get(seed, []), feeds=())
        judged = (by_itself.of(seed), alone), (its_own.of(seed), example)
        yield {**told(folder, name, study, seen, *judged), "delay": None}


def _together(studies: dict[int, PlantedStudy], domain: str, columns: dict[str, str]) -> pd.DataFrame:
    """Return the rows of one domain of many studies, columns renamed, with the time in UTC."""
    parts = []
    for seed, study in studies.items():
        rows = study.feeds[domain]
        parts.append(rows.assign(USUBJID=[named(seed, name) for name in rows["USUBJID"]]))
    rows = pd.concat(parts, ignore_index=True)[["USUBJID", *columns]].rename(columns=columns)
    return rows.assign(time=pd.to_datetime(rows["time"], utc=True))


def told(
    folder: str, name: str, study: PlantedStudy, seen: Any, alone: Judged, example: Judged
) -> dict[str, Any]:
    """Return the record of one trial: what was seen of the planted cases, and what the rules said."""
    by_itself, rules = evaluate_rules(*alone), evaluate_rules(*example)
    charts = {one.usubjid: one.lasts for one in charts_of(folder, SCENARIOS[name].without).charts}
    days = sum(charts[subject] for subject in study.feeds["dm"]["USUBJID"]) / 24
    return {
        "folder": Path(folder).name,
        "scenario": name,
        "seed": study.truth["seed"],
        "code": code_version(),
        "planted": [{**case, "seen": how_seen(case, seen)} for case in study.truth["planted"]],
        "alone": {one.id: str(one.verdict) for one in by_itself},
        "example": {one.id: str(one.verdict) for one in rules},
        "verdict": verdict_of(rules, seen.feeds, *example),
        "in_risk": [alone[0].events_in_risk().main, alone[0].events_in_risk().worst],
        "in_control": alone[0].events_in_control().main,
        "possible_cases": sum(case.certainty == "possible" for case in seen.cases),
        "days": round(days, 2),
    }


def delay_of(study: PlantedStudy, alone: StudyProtocol, example: StudyProtocol) -> float | None:
    """Return hours from the third planted case to the first signal of the example, None where later or never."""
    visible = sorted(
        datetime.fromisoformat(case["dose_start"]) + timedelta(hours=case["both_visible_hour"])
        for case in study.truth["planted"]
        if case["both_visible_hour"] is not None
    )
    if len(visible) < 3:
        return None
    low, high = 0, len(DELAYS_HOURS)
    while low < high:
        middle = (low + high) // 2
        if signals_by(study, visible[2] + timedelta(hours=DELAYS_HOURS[middle]), alone, example):
            high = middle
        else:
            low = middle + 1
    return DELAYS_HOURS[low] if low < len(DELAYS_HOURS) else None


def signals_by(study: PlantedStudy, cutoff: datetime, alone: StudyProtocol, example: StudyProtocol) -> bool:
    """Whether the example's rules give a signal on what was charted by a moment."""
    stamp = cutoff.strftime("%Y-%m-%dT%H:%M")
    feeds = {
        domain: table if domain == "dm" else table[table[f"{domain.upper()}{column}"] <= stamp]
        for (domain, table), column in zip(study.feeds.items(), ("", "STDTC", "DTC", "STDTC"), strict=True)
    }
    seen = look(feeds, alone, data_cutoff=cutoff)
    evidence = evidence_of(seen.findings, seen.validation, example)
    return verdict_of(evaluate_rules(evidence, example), seen.feeds, evidence, example) == "signal"


def verdict_of(rules: Any, feeds: Any, evidence: Evidence, protocol: StudyProtocol) -> str:
    """Return the verdict of rules on their evidence."""
    too_little = too_little_observed(evidence, protocol)
    return str(decide_verdict(rules, feeds, protocol, too_little=too_little))


# ----------------------------------------------------------------------------------------------- the table


def summary(records: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines that tell of the trials of one folder and scenario."""
    first, trials = records[0], len(records)
    planting = SCENARIOS[first["scenario"]].planting
    cases = [case for one in records for case in one["planted"]]
    yield (
        f"\n{first['folder']}, {first['scenario']}: {planting.cases} of {planting.subjects}, "
        f"window {planting.window[0]:g}-{planting.window[1]:g} h; {trials} trials, {len(cases)} cases planted"
    )
    if cases:
        yes = sum(case["seen"] == "yes" for case in cases)
        either = sum(case["seen"] != "no" for case in cases)
        reader = sum(case["both_in_window"] for case in cases)
        three = sum(all_of(one, lambda case: case["seen"] == "yes") for one in records)
        by_reader = sum(all_of(one, lambda case: case["both_in_window"]) for one in records)
        oracle = sum(all_of(one, lambda case: True) for one in records)
        yield f"  {'':34}{'found':24}{'reader of the chart':24}oracle"
        yield f"  {'P(yes)':34}{share(yes, len(cases)):24}{share(reader, len(cases)):24}1"
        yield f"  {'P(yes or possible)':34}{share(either, len(cases)):24}"
        yield f"  {'three of three':34}{share(three, trials):24}{share(by_reader, trials):24}{oracle / trials:.3f}"
    for which, said in (("alone", f"by itself at {ALONE_ALPHA:g}"), ("example", "of the example")):
        for rule in first[which]:
            crossed = sum(one[which][rule] == "crossed" for one in records)
            unable = sum(one[which][rule] == "not_evaluable" for one in records)
            note = f"  not evaluable in {unable}" if unable else ""
            yield f"  {rule + ' ' + said:46}{share(crossed, trials)}{note}"
    any_rule = sum("crossed" in one["example"].values() for one in records)
    yield f"  {'any rule of the example':46}{share(any_rule, trials)}"
    for verdict in ("signal", "watch", "not_assessable", "no_signal"):
        told = sum(one["verdict"] == verdict for one in records)
        yield f"  {'verdict ' + verdict + ' of the example':46}{share(told, trials)}"
    possible, days = sum(one["possible_cases"] for one in records), sum(one["days"] for one in records)
    yield f"  {'possible cases a subject-day of charting':46}{possible / days:.4f}"
    delays = sorted(one["delay"] for one in records if one["delay"] is not None)
    if delays:
        yield (
            f"  {'third case visible to signal, h':46}median {delays[len(delays) // 2]:g}, "
            f"longest {delays[-1]:g} (at most so many; {len(delays)} trials)"
        )


def all_of(record: dict[str, Any], held: Any) -> bool:
    """Whether three cases were planted, and something holds of each."""
    return len(record["planted"]) >= 3 and all(held(case) for case in record["planted"])


# ------------------------------------------------------------------------------------------------- running


def run(options: argparse.Namespace, records: list[dict[str, Any]]) -> None:
    """Make the trials that are missing, and keep each as soon as it is made."""
    have = {(one["folder"], one["scenario"], one["seed"]) for one in records}
    work = {
        (folder, name): [
            seed
            for seed in range(options.seed, options.seed + options.trials)
            if (Path(folder).name, name, seed) not in have
        ]
        for folder, name in itertools.product(options.charts, options.scenario)
    }
    total = sum(map(len, work.values()))
    print(
        f"{total} trials to make ({len(have)} were made before): {len(options.charts)} folders, scenarios "
        f"{', '.join(options.scenario)}, {options.trials} trials each. Interrupt when you like; "
        + ("the same command goes on." if options.out else "without --out nothing is kept."),
        flush=True,
    )
    records.extend(kept(made(work, options), options.out, total))


def made(work: dict[tuple[str, str], list[int]], options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the record of each trial."""
    if options.at_once > 1:
        for (folder, name), seeds in work.items():
            for first in range(0, len(seeds), options.at_once):
                yield from trials_at_once(folder, name, seeds[first : first + options.at_once])
        return
    each = [
        (folder, name, seed - options.seed < options.delays and SCENARIOS[name].planting.cases > 0, seed)
        for (folder, name), seeds in work.items()
        for seed in seeds
    ]
    if options.processes == 1:
        yield from itertools.starmap(trial, each)
        return
    with ProcessPoolExecutor(options.processes) as pool:
        try:
            yield from pool.map(trial, *zip(*each, strict=True), chunksize=4)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def main() -> None:
    """Run the trials that are asked for, and print what they tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("charts", nargs="+", help="folders of charts")
    parser.add_argument("--scenario", nargs="+", choices=SCENARIOS, default=["alert_5_8", "lazy_5_8", "none"])
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="file of records, a JSON line each")
    parser.add_argument("--processes", type=int, choices=(1, 2), default=1)
    parser.add_argument(
        "--delays", type=int, default=10, help="trials in which the time to a signal is sought"
    )
    parser.add_argument(
        "--at-once", type=int, default=1, help="trials searched at once: far faster, no feeds checked"
    )
    options = parser.parse_args()
    records = done_before(options.out)
    try:
        run(options, records)
    except KeyboardInterrupt:
        print("interrupted: what follows is what was made so far", flush=True)
    names = {Path(folder).name for folder in options.charts}
    wanted = [one for one in records if one["folder"] in names and one["scenario"] in options.scenario]
    for folder, name in itertools.product(sorted(names), options.scenario):
        some = [one for one in wanted if (one["folder"], one["scenario"]) == (folder, name)]
        if some:
            print("\n".join(summary(some)), flush=True)


if __name__ == "__main__":
    main()
