"""Every row of three tables computed with the R package stoppingrule 0.6 (R 4.2.2), against our boundaries.

Each row names its R call. The package's boundaries are ours: it crosses where the statistic is beyond its
critical value, and searches that value by halving, so that it is printed to about five digits.
"""

import math
import re

import pytest
from independent.tables import rows_of

from checks.statistics.boundaries import METHODS, Boundary, CountBoundary, operating_characteristics

PROBABILITY_TOLERANCE = 1e-9
EXPECTATION_TOLERANCE = 1e-9
HALVING_TOLERANCE = 5e-5  # where the package's search for the critical value stops
FINITE_FOLLOW_UP_TOLERANCE = 2e-7  # E(n) was read off an accrual of 1 day and a follow-up of 1e9

METHOD_OF_TYPE = {
    "Pocock": "pocock",
    "OBF": "obrien_fleming",
    "WT": "wang_tsiatis",
    "BB": "beta_binomial",
    "CC": "chen_chaloner",
    "SPRT": "sprt",
    "MaxSPRT": "maxsprt",
}

# Defect of the source: its search for the Wang-Tsiatis critical value ends at the normal quantile of alpha/n.
# The right value lies above that end; it returns the end, and the size of the rule exceeds alpha.
# (n, null rate, alpha, delta) -> size of the printed rule (by the source's own OC.rule.bin), right
# boundary ("-": none can cross).
WANG_TSIATIS_ABOVE_ALPHA = {
    (15, 0.05, 0.025, 0.25): (0.029243102514, "- 2 2 3 3 3 3 3 3 3 3 3 4 4 4"),
    (15, 0.05, 0.025, 0.4): (0.077335150316, "- 2 2 2 3 3 3 3 3 3 4 4 4 4 4"),
    (15, 0.05, 0.05, 0.4): (0.086791451850, "- 2 2 2 3 3 3 3 3 3 4 4 4 4 4"),
    (20, 0.05, 0.025, 0.25): (0.026720389694, "- 2 3 3 3 3 3 3 3 3 4 4 4 4 4 4 4 4 4 4"),
    (20, 0.05, 0.025, 0.4): (0.077626540506, "- 2 2 2 3 3 3 3 3 4 4 4 4 4 4 4 4 5 5 5"),
    (20, 0.05, 0.05, 0.4): (0.087661428552, "- 2 2 2 3 3 3 3 3 3 4 4 4 4 4 4 4 4 5 5"),
    (20, 0.05, 0.1, 0.4): (0.100414098776, "1 2 2 2 2 2 3 3 3 3 3 3 3 3 3 4 4 4 4 4"),
    (30, 0.05, 0.025, 0.4): (
        0.031674001878,
        "- 2 2 3 3 3 3 3 3 4 4 4 4 4 4 4 5 5 5 5 5 5 5 5 5 6 6 6 6 6",
    ),
    (30, 0.05, 0.05, 0.4): (
        0.082197652042,
        "- 2 2 2 3 3 3 3 3 3 4 4 4 4 4 4 4 4 5 5 5 5 5 5 5 5 5 6 6 6",
    ),
}

# Defect of the source: its search for the SPRT critical value starts at half the chi-square quantile of
# 1 - alpha, and it returns that start even where a smaller one keeps to alpha: the rule is too insensitive.
# R call -> size of the printed rule (the source's own reject_prob at the null rate), right boundary.
SPRT_TOO_STRICT = {
    'calc.rule.bin(ns=c(10,20,30),p0=0.2,alpha=0.1,type="SPRT",param=0.4)': (0.062271190779, "5 8 10"),
    'calc.rule.bin(ns=seq(10,100,10),p0=0.2,alpha=0.1,type="SPRT",param=0.4)': (
        0.083310276384,
        "5 8 11 13 16 19 22 25 28 31",
    ),
}
START_OF_SEARCH = (1.92072941034706, 1.35277172704771)  # qchisq(c(0.95, 0.9), 1) / 2

# Defect of the source: its MaxSPRT stops with an error in these settings, so that their rows are absent.
# (looks, null rate, alpha) -> right boundary; the critical value is the evidence of the excluded pair named.
MAXSPRT_ABSENT = {
    (tuple(range(1, 16)), 0.05, 0.025): ("- 2 2 2 3 3 3 3 3 3 4 4 4 4 4", math.log(1 / 0.05)),  # 1 of 1
    (tuple(range(1, 16)), 0.2, 0.05): ("- - 3 4 4 5 5 5 6 6 7 7 7 8 8", 2 * math.log(1 / 0.2)),  # 2 of 2
    (tuple(range(1, 51)), 0.05, 0.05): (
        "- 2 2 2 3 3 3 3 3 3 4 4 4 4 4 4 4 4 5 5 5 5 5 5 5 5 5 5 6 6 6 6 6 6 6 6 6 6 7 7 7 7 7 7 7 7 7 7 7 8",
        math.log(1 / 0.05),  # 1 of 1
    ),
    ((1, 2, 3, 5, 8, 13, 15), 0.2, 0.05): ("- - 3 4 5 7 8", 2 * math.log(1 / 0.2)),  # 2 of 2
}


def numbers(text):
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)]


def looks_of(call):
    text = re.search(r"ns=(\d+:\d+|seq\([^)]*\)|c\([^)]*\))", call)[1]
    values = [int(value) for value in numbers(text)]
    if ":" in text:
        return tuple(range(values[0], values[1] + 1))
    if text.startswith("seq"):
        return tuple(range(values[0], values[1] + 1, values[2]))
    return tuple(values)


def options_of(call):
    text = re.search(r'type="(\w+)"(?:,param=(c\([^)]*\)|[\d.]+))?', call)
    kind, values = text[1], numbers(text[2] or "")
    return kind, {
        "WT": lambda: {"delta": values[0]},
        "BB": lambda: {"prior": tuple(values)},
        "CC": lambda: {"prior": tuple(values[:2]), "alternative_rate": values[2], "nu": values[3]},
        "SPRT": lambda: {"alternative_rate": values[0]},
    }.get(kind, dict)()


def ours(call) -> Boundary:
    kind, options = options_of(call)
    looks = looks_of(call)
    null_rate, alpha = (numbers(re.search(rf"{name}=([\d.]+)", call)[1])[0] for name in ("p0", "alpha"))
    return METHODS[METHOD_OF_TYPE[kind]](
        n_max=looks[-1], null_rate=null_rate, alpha=alpha, looks=looks, **options
    )


def as_events(text, looks):
    printed = [None if value == "-" else int(value) for value in text.split()]
    return tuple(b if b is not None and b <= n else None for b, n in zip(printed, looks, strict=True))


def printed_boundary(call, text):
    looks = looks_of(call)
    return CountBoundary(n_max=looks[-1], looks=looks, events=as_events(text, looks))


def defect_of(call, boundary):
    """The exact size of the printed rule and the right boundary, where the source is wrong."""
    if boundary.method == "wang_tsiatis" and boundary.looks == tuple(range(1, boundary.n_max + 1)):
        delta = dict(boundary.options)["delta"]
        return WANG_TSIATIS_ABOVE_ALPHA.get((boundary.n_max, boundary.null_rate, boundary.alpha, delta))
    return SPRT_TOO_STRICT.get(call)


def assert_defect(defect, boundary, printed):
    """The printed rule misses alpha, or gives sensitivity away; ours is the right one, and within alpha."""
    size, right = defect
    (printed_size,) = operating_characteristics(printed, [boundary.null_rate]).reject_probability
    assert printed_size == pytest.approx(size, abs=1e-10)
    assert printed_size > boundary.alpha or printed_size < boundary.size
    assert boundary.events == as_events(right, boundary.looks)
    assert boundary.size <= boundary.alpha


def report(capsys, file, *, matched, excepted, expected):
    with capsys.disabled():
        print(f"\n{file}: {matched + excepted} rows covered, {matched} matched, {excepted} excepted")
    assert (matched, excepted) == expected


def test_every_boundary_after_each_subject(capsys):
    matched = excepted = 0
    for row in rows_of("stoppingrule_bin_boundaries.csv"):
        boundary = ours(row["call"])
        printed = printed_boundary(row["call"], row["boundary_at_1_to_n"])
        defect = defect_of(row["call"], boundary)
        if defect:
            assert_defect(defect, boundary, printed)
            excepted += 1
            continue
        assert boundary.events == printed.events, row["call"]
        assert boundary.critical_value == pytest.approx(float(row["cval"]), abs=HALVING_TOLERANCE), row[
            "call"
        ]
        matched += 1
    report(capsys, "stoppingrule_bin_boundaries.csv", matched=matched, excepted=excepted, expected=(248, 9))


def test_every_boundary_at_chosen_looks_and_its_characteristics(capsys):
    matched = excepted = 0
    for row in rows_of("stoppingrule_bin_grouplooks.csv"):
        boundary, rate = ours(row["call"]), float(row["p"])
        printed = printed_boundary(row["call"], row["boundary"])
        known = operating_characteristics(printed, [rate])
        assert known.reject_probability[0] == pytest.approx(
            float(row["reject_prob"]), abs=PROBABILITY_TOLERANCE
        )
        assert known.expected_events[0] == pytest.approx(float(row["exp_events"]), abs=EXPECTATION_TOLERANCE)
        defect = defect_of(row["call"], boundary)
        if defect:
            assert_defect(defect, boundary, printed)
            excepted += 1
            continue
        assert boundary.events == printed.events, row["call"]
        if float(row["cval"]) in START_OF_SEARCH:
            assert boundary.critical_value <= float(row["cval"])
        else:
            assert boundary.critical_value == pytest.approx(float(row["cval"]), abs=HALVING_TOLERANCE)
        matched += 1
    report(capsys, "stoppingrule_bin_grouplooks.csv", matched=matched, excepted=excepted, expected=(171, 6))


def test_every_operating_characteristic(capsys):
    printed_rules = {
        row["call"]: row["boundary_at_1_to_n"] for row in rows_of("stoppingrule_bin_boundaries.csv")
    }
    matched = 0
    for row in rows_of("stoppingrule_bin_oc.csv"):
        printed = printed_boundary(row["rule"], printed_rules[row["rule"]])
        known = operating_characteristics(printed, [float(row["p"])])
        assert known.reject_probability[0] == pytest.approx(
            float(row["reject_prob"]), abs=PROBABILITY_TOLERANCE
        )
        assert known.expected_events[0] == pytest.approx(float(row["exp_events"]), abs=EXPECTATION_TOLERANCE)
        enrolled = float(row["expected_n"])
        assert known.expected_n[0] == pytest.approx(enrolled, abs=FINITE_FOLLOW_UP_TOLERANCE)
        matched += 1
    report(capsys, "stoppingrule_bin_oc.csv", matched=matched, excepted=0, expected=(1285, 0))


@pytest.mark.parametrize(("looks", "null_rate", "alpha"), MAXSPRT_ABSENT)
def test_maxsprt_where_the_source_fails(looks, null_rate, alpha):
    right, critical_value = MAXSPRT_ABSENT[looks, null_rate, alpha]
    boundary = METHODS["maxsprt"](n_max=looks[-1], null_rate=null_rate, alpha=alpha, looks=looks)
    assert boundary.events == as_events(right, looks)
    assert boundary.critical_value == pytest.approx(critical_value, rel=1e-12)
    assert boundary.size <= alpha


@pytest.mark.parametrize("setting", WANG_TSIATIS_ABOVE_ALPHA)
def test_wang_tsiatis_keeps_to_alpha_where_the_source_does_not(setting):
    n_max, null_rate, alpha, delta = setting
    boundary = METHODS["wang_tsiatis"](n_max=n_max, null_rate=null_rate, alpha=alpha, delta=delta)
    assert boundary.events == as_events(WANG_TSIATIS_ABOVE_ALPHA[setting][1], boundary.looks)
    assert boundary.size <= alpha


# A handful of the rows, written out: a table that was read wrong would not agree with them.
EXTRACT = [
    (
        'calc.rule.bin(ns=1:15,p0=0.2,alpha=0.05,type="Pocock")',
        0.0272016933750221,
        "2 3 3 4 4 4 5 5 5 6 6 6 7 7 7",
    ),
    (
        'calc.rule.bin(ns=1:15,p0=0.2,alpha=0.05,type="OBF")',
        1.93649167310371,
        "4 4 4 4 5 5 5 5 5 6 6 6 6 6 7",
    ),
    (
        'calc.rule.bin(ns=1:15,p0=0.2,alpha=0.05,type="WT",param=0.25)',
        2.1430803222741,
        "2 3 3 4 4 4 5 5 5 6 6 6 6 7 7",
    ),
    (
        'calc.rule.bin(ns=1:15,p0=0.2,alpha=0.05,type="BB",param=c(2,8))',
        0.932399939234641,
        "3 3 4 4 4 4 5 5 5 6 6 6 6 7 7",
    ),
    (
        'calc.rule.bin(ns=1:15,p0=0.2,alpha=0.05,type="CC",param=c(0.4,1.6,0.3,0.5))',
        0.973373629205899,
        "2 3 3 4 4 4 5 5 5 6 6 6 6 7 7",
    ),
    (
        'calc.rule.bin(ns=1:15,p0=0.2,alpha=0.05,type="SPRT",param=0.4)',
        2.02732554054082,
        "3 3 3 4 4 4 5 5 5 6 6 6 6 7 7",
    ),
    (
        'calc.rule.bin(ns=1:15,p0=0.2,alpha=0.1,type="MaxSPRT")',
        1.90954302898883,
        "2 2 3 3 4 4 4 5 5 5 6 6 6 7 7",
    ),
    ('calc.rule.bin(ns=c(5,10,15),p0=0.2,alpha=0.05,type="Pocock")', 0.0579199900833274, "4 5 7"),
]


@pytest.mark.parametrize(("call", "critical_value", "events"), EXTRACT)
def test_extract_of_the_boundaries(call, critical_value, events):
    boundary = ours(call)
    assert boundary.events == as_events(events, boundary.looks)
    assert boundary.critical_value == pytest.approx(critical_value, abs=HALVING_TOLERANCE)


def test_extract_of_the_characteristics():
    # OC.rule.bin(rule=calc.rule.bin(ns=1:15,p0=0.2,alpha=0.025,type="MaxSPRT"),ps=c(0.2,0.3,0.5))
    boundary = METHODS["maxsprt"](n_max=15, null_rate=0.2, alpha=0.025)
    known = operating_characteristics(boundary, [0.2, 0.3, 0.5])
    assert known.reject_probability == pytest.approx(
        [0.023193440387072, 0.116639296788888, 0.609130859375], abs=1e-13
    )
    assert known.expected_events == pytest.approx(
        [2.96092365602816, 4.24622772106686, 5.3321533203125], abs=1e-13
    )
