"""The studies of the golden tests: how each is made, in a folder of its own, and its data cut-off.

Those of ``INSIDE`` come from our simulator, or were made by hand; their documents are kept in ``expected/``.
Those of ``outside`` are data of others, below the folder that POSTDOSE_TEST_DATA names: none of it is kept here.
"""

import csv
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from spoilt import FIXTURES as SPOILT
from spoilt import MUTATIONS, make_study

from flows.feeds import DeliveryStore
from flows.simulate import SCENARIOS, simulate

FIXTURES = Path(__file__).parents[1] / "fixtures"
Made = tuple[Path, datetime]
"""A study's protocol, and its data cut-off."""
Maker = Callable[[Path], Made]
"""Makes a study in an empty folder."""


def simulated(folder: Path, *, scenario: str, seed: int, subjects: int | None = None) -> Made:
    """Simulate a study, and look when all of it has been entered."""
    simulate(scenario, folder, seed=seed, subjects=subjects)
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return folder / "protocol.yaml", datetime.fromisoformat(truth["data_cutoff"])


def half_way(folder: Path) -> Made:
    """Look at the demo's study while doses are given: windows are open, rows not yet entered."""
    protocol, _ = simulated(folder, scenario="cyt107", seed=1)
    return protocol, datetime(2024, 11, 9, 14, 0, tzinfo=UTC)


def in_deliveries(folder: Path) -> Made:
    """Deliver vitals and events twice: the second time with values corrected and rows deleted."""
    protocol, cutoff = simulated(folder, scenario="cyt107", seed=2, subjects=8)
    store = DeliveryStore(folder / "deliveries" / yaml.safe_load(protocol.read_text())["study"]["id"])
    for feed in sorted((folder / "feeds").glob("*.csv")):
        whole = feed.read_text(encoding="utf-8")
        contents = [whole] if feed.stem in {"dm", "ex"} else [_before(feed), whole]
        for days, content in zip((3, 1)[-len(contents) :], contents, strict=True):
            at = cutoff - timedelta(days=days)
            store.take_in(feed.stem.upper(), feed.name, content.encode(), received_at=at, recorded_at=at)
    return protocol, cutoff


def _before(feed: Path) -> str:
    """Return a feed as it was before it was corrected: one value in 50 another, and one row in 200 more."""
    with feed.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    value, sequence = (
        {"vs": "VSORRES", "lb": "LBORRES", "ae": "AEENDTC"}[feed.stem],
        f"{feed.stem.upper()}SEQ",
    )
    for row in rows[::50]:
        row[value] = rows[0][value]
    more = [{**row, sequence: str(int(row[sequence]) + 10_000)} for row in rows[::200]]
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in [*rows, *more])]
    return "\n".join(lines) + "\n"


WHY = {"rationale": "an example", "source": "no charter"}
RATE = {"kind": "rate", "unit": "subject", "n_max": 40, "null_rate": 0.02, "alpha": 0.02, **WHY}
TIMING = {"kind": "timing", "alpha": 0.02, "min_events": 3, "min_subjects": 3, **WHY}
RATE_METHODS: Mapping[str, Mapping[str, Any]] = {
    "pocock": {},
    "obrien_fleming": {"looks": [10, 20, 40]},
    "wang_tsiatis": {"delta": 0.25},
    "beta_binomial": {"prior": [0.2, 9.8]},
    "chen_chaloner": {"prior": [0.2, 9.8], "alternative_rate": 0.15, "nu": 0.1},
    "sprt": {"alternative_rate": 0.15},
    "maxsprt": {},
}
TIMING_METHODS: Mapping[str, Mapping[str, Any]] = {
    "self_controlled": {"looks": 10},
    "scan": {"looks": 10},
    "maxsprt_binomial": {"n_max": 20},
    "maxsprt_poisson": {"expected_max": 1.0},
    "e_process": {},
}


def every_rule(folder: Path, *, scenario: str, unit: str = "subject") -> Made:
    """Let every method of every rule answer in one look."""
    protocol, cutoff = simulated(folder, scenario=scenario, seed=1)
    said = yaml.safe_load(protocol.read_text(encoding="utf-8"))
    said["multiplicity"] = {"method": "none", "rationale": "an example of every method, for no study"}
    said["rules"] = [rule for rule in said["rules"] if rule["kind"] in {"count", "lab_limit"}]
    for common, methods in (({**RATE, "unit": unit}, RATE_METHODS), (TIMING, TIMING_METHODS)):
        said["rules"] += [
            {"id": method, "method": method, **common, **more} for method, more in methods.items()
        ]
    protocol.write_text(yaml.safe_dump(said), encoding="utf-8")
    return protocol, cutoff


def scan_alone(folder: Path) -> Made:
    """Let a scan alone find a window that nobody named: two hours after the dose, far from the risk window.

    As the ward charts, it finds one in few studies of twelve subjects; in that of seed 4 it does.
    """
    protocol, cutoff = simulated(folder, scenario="early", seed=4, subjects=12)
    said = yaml.safe_load(protocol.read_text(encoding="utf-8"))
    said["multiplicity"] = {"method": "none", "rationale": "one rule alone"}
    said["rules"] = [{"id": "scan", "method": "scan", **TIMING, "alpha": 0.05, "looks": 3}]
    protocol.write_text(yaml.safe_dump(said), encoding="utf-8")
    return protocol, cutoff


def blind(folder: Path) -> Made:
    """Copy the study whose feeds could tell the arm."""
    shutil.copytree(FIXTURES / "blind", folder, dirs_exist_ok=True)
    return folder / "protocol.yaml", datetime(2024, 6, 12, 6, tzinfo=UTC)


DOSED = datetime(2026, 3, 2, 8)
NORMAL = {"TEMP": 36.9, "OXYSAT": 97.0, "RESP": 18.0}
UNITS = {"TEMP": "C", "OXYSAT": "%", "RESP": "breaths/min", "FIO2": "fraction"}
FEVER = dict.fromkeys(range(6, 15), 39.0)
LOW = dict.fromkeys(range(6, 15), 86.0)
CHARTS: Mapping[str, Mapping[str, Mapping[int, float]]] = {
    "NEW": {"TEMP": FEVER, "OXYSAT": LOW},
    "WORSE": {
        "TEMP": {hour: 38.4 if hour < 6 else 39.8 for hour in range(-13, 15)},
        "RESP": {hour: 31.0 if hour < 6 else 44.0 for hour in range(-13, 15)},
    },
    "HALF": {"TEMP": dict.fromkeys(range(-6, 15), 38.6), "OXYSAT": LOW},
    "LONE": {"TEMP": FEVER, "RESP": {6: 32.0}},
    "BACK": {"TEMP": FEVER, "OXYSAT": {1: 86.0, 2: 86.0, **LOW}},
    "UNSEEN": {"TEMP": FEVER, "OXYSAT": dict.fromkeys(range(-13, 15), 92.0)},
    "ROOM": {"TEMP": FEVER, "FIO2": dict.fromkeys(range(6, 15), 0.5)},
    "DATED": {"TEMP": FEVER},
    "PROVISIONAL": {"TEMP": {30: 39.0, 31: 39.0}, "RESP": {31: 33.0}},
}
"""What of a subject's hourly chart is not normal, by hours since the first dose: one for each word of a case."""


def every_word(folder: Path) -> Made:
    """Chart one subject for each word that is said of a case."""
    shutil.copy(FIXTURES / "every_word" / "protocol.yaml", folder)
    vitals: list[tuple[object, ...]] = []
    for subject, chart in CHARTS.items():
        last = 32 if subject == "PROVISIONAL" else 15
        for hour in range(-13, last):
            at = f"{DOSED + timedelta(hours=hour):%Y-%m-%dT%H:%M}"
            for test, unit in UNITS.items():
                value = chart.get(test, {}).get(hour, NORMAL.get(test))
                if subject == "UNSEEN" and test == "RESP":
                    value = {6: 33.0, 7: 33.0}.get(hour)
                if value is not None:
                    vitals.append((f"S-{subject}", len(vitals) + 1, test, value, unit, at))
    doses = [(f"S-{one}", 1, "CYT107", "2026-03-02T08:00") for one in CHARTS]
    doses.append(("S-PROVISIONAL", 2, "CYT107", "2026-03-03T09:00"))
    _written(folder / "dm.csv", ("USUBJID", "SITEID"), [(f"S-{one}", "FR01") for one in CHARTS])
    _written(folder / "ex.csv", ("USUBJID", "EXSEQ", "EXTRT", "EXSTDTC"), doses)
    columns = ("USUBJID", "VSSEQ", "VSTESTCD", "VSORRES", "VSORRESU", "VSDTC")
    _written(folder / "vs.csv", columns, vitals)
    _written(
        folder / "ae.csv",
        ("USUBJID", "AESEQ", "AETERM", "AESTDTC"),
        [("S-DATED", 1, "Dyspnoea", "2026-03-02")],
    )
    return folder / "protocol.yaml", datetime(2026, 3, 3, 14, 30, tzinfo=UTC)


def _written(path: Path, columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def spoilt(folder: Path, *, kind: str) -> Made:
    """Copy the good study, and spoil it."""
    return make_study(kind, folder), datetime(2024, 6, 11, 12, tzinfo=UTC)


NOT_THE_SAME_BYTES = {"truncated_xpt", "truncated_gzip"}
"""Spoilt when they are made, by a library that writes the time, or may pack otherwise in another version."""
KINDS = sorted(({path.name for path in SPOILT.iterdir()} | set(MUTATIONS)) - NOT_THE_SAME_BYTES)

SPOILT_NAME = "bad_"
"""The names of those studies begin so."""

INSIDE: Mapping[str, Maker] = {
    **{
        f"{scenario}_{seed}": partial(simulated, scenario=scenario, seed=seed)
        for scenario in SCENARIOS
        for seed in (1, 2, 3)
    },
    "half_way": half_way,
    "in_deliveries": in_deliveries,
    "every_rule": partial(every_rule, scenario="cyt107"),
    "every_rule_early": partial(every_rule, scenario="early", unit="window"),
    "scan_alone": scan_alone,
    "blind": blind,
    "every_word": every_word,
    **{f"{SPOILT_NAME}{kind}": partial(spoilt, kind=kind) for kind in KINDS},
}
"""``cyt107_1`` is the demo's."""

LISTED = (
    "cyt107_1", "half_way", "in_deliveries", "blind", "every_word", "bad_clock_gap", "bad_date_2024_06",
    "bad_duplicate_key", "bad_end_before_start", "bad_f_in_c_field", "bad_unknown_site",
)  # fmt: skip
"""The studies whose listings are kept too."""

REAL = {
    "icu_vancomycin": ("mimic_iv_demo", datetime(2201, 12, 14, tzinfo=UTC)),
    "pilot_patches": ("pharmaversesdtm", datetime(2015, 3, 6, 12, tzinfo=UTC)),
    "vaccine_reactogenicity": ("pharmaversesdtm", datetime(2022, 7, 1, tzinfo=UTC)),
    "clindata_reports": ("clindata", datetime(2019, 12, 1, tzinfo=UTC)),
}
"""Protocols of tests/fixtures/protocols_real, their folder of data and their data cut-off."""
FORMATS = ("xpt", "json", "ndjson", "dsjc")
INJECTIONS = "zanomaline_injections"


def outside(data: Path) -> Iterator[tuple[str, Maker]]:
    """Yield the studies that are made of others' data.

    Parameters
    ----------
    data
        The folder that holds ``reported``, ``mimic_iv_demo`` and so on.
    """
    with (data / "reported" / "EXPECTED.tsv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            cutoff = datetime.fromisoformat(row["data_cutoff"])
            yield row["folder"], partial(copied, source=data / "reported" / row["folder"], cutoff=cutoff)
    for name, (source, cutoff) in REAL.items():
        yield name, partial(real, protocol=name, source=data / source, cutoff=cutoff)
    for suffix in FORMATS:
        name, cutoff = f"{INJECTIONS}_{suffix}", datetime(2014, 12, 31, tzinfo=UTC)
        source = data / "datasetjson" / "sdtm"
        yield name, partial(real, protocol=INJECTIONS, source=source, cutoff=cutoff, suffix=suffix)


def copied(folder: Path, *, source: Path, cutoff: datetime) -> Made:
    """Copy a study as it lies there."""
    shutil.copytree(source, folder, dirs_exist_ok=True)
    return folder / "protocol.yaml", cutoff


def real(folder: Path, *, protocol: str, source: Path, cutoff: datetime, suffix: str | None = None) -> Made:
    """Put a protocol of ours beside others' data, in one of the formats that they come in."""
    text = (FIXTURES / "protocols_real" / f"{protocol}.yaml").read_text(encoding="utf-8")
    if suffix is not None:
        text = text.replace(".xpt,", f".{suffix},").replace(".xpt}", f".{suffix}}}")
    for feed in yaml.safe_load(text)["feeds"].values():
        shutil.copy(source / feed["path"], folder)
    (folder / "protocol.yaml").write_text(text, encoding="utf-8")
    return folder / "protocol.yaml", cutoff
