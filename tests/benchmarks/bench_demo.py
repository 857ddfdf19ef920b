"""Print how often looks at whole simulated studies find what was planted, and how often each rule crosses.

Run from the root: ``python tests/benchmarks/bench_demo.py [--scenario cyt107 null] [--studies 200] [--seed 1]
[--out demo.jsonl] [--at-once 20]``. Each study is simulated with the seed that follows, as the demo's is with seed 1,
and looked at when all of it has been entered, by ``checks.look`` and the protocol that is written beside it, without
files. Some are looked at in one, side by side: a case and an hour of opportunity are one subject's alone, and what
rules see is divided before they judge; only the daily rhythm that severity takes off is fitted over them all. The
rule on lymphocytes is left out. The record of a study is a line of ``--out``; a run that was interrupted goes on
where it stopped.

A planted case is seen as in ``bench_power``, around the hour at which its charts first show both components after
they were planted. *By chance* are cases in risk windows that were not planted. Limits are those of Clopper and
Pearson, 95 %; cases, windows and subjects of one study are taken for independent.
"""

import argparse
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_power import verdict_of
from trial_records import Record, done_before, kept, share

from checks import load_protocol, look
from checks.looks import code_version
from checks.protocol import StudyProtocol
from checks.signals import evaluate_rules
from flows.simulate import SCENARIOS
from flows.simulate.chart_trials import how_seen
from flows.simulate.planted import EXAMPLE, PlantedCase
from flows.simulate.side_by_side import BETWEEN, Together, named
from flows.simulate.study import DEFAULT_SUBJECTS, Study, compose, tables, truth
from flows.simulate.truth import CaseTruth


@cache
def protocol() -> StudyProtocol:
    """Return the simulated studies' own protocol, without its rule on lymphocytes."""
    whole = load_protocol(EXAMPLE)
    return whole.model_copy(update={"rules": tuple(rule for rule in whole.rules if rule.kind != "lab_limit")})


def looked_at(scenario: str, seeds: Sequence[int]) -> Iterator[Record]:
    """Simulate studies, look at them side by side, and yield what was seen of each."""
    studies = {seed: compose(scenario, seed=seed, subjects=DEFAULT_SUBJECTS) for seed in seeds}
    cutoff = max(datetime.fromisoformat(truth(study)["data_cutoff"]) for study in studies.values())
    seen = look(_side_by_side(studies), protocol(), data_cutoff=cutoff)
    assert seen.validation.quarantine.empty, "rows of simulated studies are never withheld"
    together = Together(seen.findings, seen.validation)
    evidence, cases = together.evidence(protocol()), together.cases()
    doses = seen.doses.assign(study=seen.doses["USUBJID"].str.split(BETWEEN).str[0].astype(int))
    for seed, study in studies.items():
        rules = evaluate_rules(evidence.of(seed), protocol())
        mine = SimpleNamespace(cases=cases.get(seed, []))
        yield {
            **told(study, mine),
            "scenario": scenario,
            "seed": seed,
            "code": code_version(),
            "rules": {one.id: str(one.verdict) for one in rules},
            "verdict": verdict_of(rules, seen.feeds, evidence.of(seed), protocol()),
            "windows": int((doses.loc[doses["study"] == seed, "window"] == "evaluable").sum()),
        }


def _side_by_side(studies: Mapping[int, Study]) -> dict[str, pd.DataFrame]:
    """Return the feeds of many studies as if of one."""
    parts = [
        {domain: table.assign(USUBJID=[named(seed, name) for name in table["USUBJID"]])
         for domain, table in tables(study).items()}
        for seed, study in studies.items()
    ]  # fmt: skip
    return {domain: pd.concat([part[domain] for part in parts], ignore_index=True) for domain in parts[0]}


def told(study: Study, seen: Any) -> Record:
    """Return what was seen of the planted cases, and of others."""
    cases = truth(study)["cases"]
    planted = {(case["USUBJID"], case["dose_number"]) for case in cases}
    inside = {answer: doses_with(seen, answer) - planted for answer in ("yes", "possible")}
    return {
        "planted": [how_seen(as_planted(case, study), seen) for case in cases],
        "subjects": len(study.subjects),
        "by_chance": len(inside["yes"]),
        "subjects_by_chance": len({subject for subject, _ in inside["yes"]}),
        "possible_by_chance": len(inside["possible"] - inside["yes"]),
        "possible_cases": sum(case.certainty == "possible" for case in seen.cases),
        "days": sum(one.chart_end - one.chart_start for one in study.subjects) / (24 * 60),
    }


def doses_with(seen: Any, answer: str) -> set[tuple[str, int]]:
    """Return the doses with a case of which it was said whether it lies in the risk window."""
    return {
        (case.USUBJID, case.dose_number)
        for case in seen.cases
        if case.in_risk_window == answer and case.dose_number is not None
    }


def as_planted(case: CaseTruth, study: Study) -> PlantedCase:
    """Return a simulated case in the form of those that are planted in charts."""
    reaction, visible = study.reactions[case["USUBJID"]], case["charted"]["hour"]
    return {
        "USUBJID": case["USUBJID"],
        "dose_number": case["dose_number"],
        "dose_start": case["dose_start"],
        "onset_hour": (reaction.distress.start - reaction.dose_start) / 60,
        "both_visible_hour": None if visible is None else float(visible),
        "both_in_window": bool(case["charted"]["in_risk_window"]),
        "abnormal_6h_before": {},
    }


def summary(records: Sequence[Record]) -> Iterator[str]:
    """Yield the lines that tell of the studies of one scenario."""
    studies = len(records)
    total = {name: sum(one[name] for one in records) for name in records[0] if name in COUNTED}
    yield f"\n{records[0]['scenario']}: {studies} studies of {DEFAULT_SUBJECTS} subjects"
    answers = [answer for one in records for answer in one["planted"]]
    if answers:
        exactly = sum(set(one["planted"]) == {"yes"} and not one["by_chance"] for one in records)
        three = sum(one["planted"] == ["yes"] * 3 for one in records)
        yield f"  {'P(yes)':44}{share(answers.count('yes'), len(answers))}"
        yield f"  {'P(yes or possible)':44}{share(len(answers) - answers.count('no'), len(answers))}"
        yield f"  {'three of three':44}{share(three, studies)}"
        yield f"  {'exactly what was planted':44}{share(exactly, studies)}"
    for rule in records[0]["rules"]:
        crossed = sum(one["rules"][rule] == "crossed" for one in records)
        yield f"  {'rule ' + rule:44}{share(crossed, studies)}"
    yield f"  {'any rule':44}{share(sum('crossed' in one['rules'].values() for one in records), studies)}"
    for verdict in ("signal", "watch", "not_assessable", "no_signal"):
        yield f"  {'verdict ' + verdict:44}{share(sum(one['verdict'] == verdict for one in records), studies)}"
    yield f"  {'cases by chance, of evaluable windows':44}{share(total['by_chance'], total['windows'])}"
    yield f"  {'possible ones by chance, of the same':44}{share(total['possible_by_chance'], total['windows'])}"
    yield f"  {'subjects with a case by chance':44}{share(total['subjects_by_chance'], total['subjects'])}"
    yield f"  {'possible cases a subject-day of charting':44}{total['possible_cases'] / total['days']:.4f}"


COUNTED = (
    "windows", "subjects", "by_chance", "subjects_by_chance", "possible_by_chance", "possible_cases", "days",
)  # fmt: skip


def made(work: Sequence[tuple[str, int]], at_once: int) -> Iterator[Record]:
    """Yield the record of each study, of one scenario after the other."""
    for scenario, some in itertools.groupby(work, key=lambda one: one[0]):
        seeds = [seed for _, seed in some]
        for first in range(0, len(seeds), at_once):
            yield from looked_at(scenario, seeds[first : first + at_once])


def main() -> None:
    """Make the studies that are asked for, and print what they tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenario", nargs="+", choices=SCENARIOS, default=["cyt107", "null"])
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="file of records, a JSON line each")
    parser.add_argument("--at-once", type=int, default=20, help="studies looked at side by side")
    options = parser.parse_args()
    wanted = set(itertools.product(options.scenario, range(options.seed, options.seed + options.studies)))
    records = done_before(options.out)
    work = sorted(wanted - {(one["scenario"], one["seed"]) for one in records})
    print(
        f"{len(work)} studies to make, about a second each. Interrupt when you like"
        + ("; the same command goes on." if options.out else ": without --out nothing is kept."),
        flush=True,
    )
    try:
        records.extend(kept(made(work, options.at_once), options.out, len(work)))
    except KeyboardInterrupt:
        print("interrupted: what follows is what was made so far", flush=True)
    for scenario in options.scenario:
        some = [one for one in records if one["scenario"] == scenario and (scenario, one["seed"]) in wanted]
        if some:
            print("\n".join(summary(some)), flush=True)


if __name__ == "__main__":
    main()
