"""Lymphocytes rise two- to threefold under the active drug, and pass the limit only where that is planted."""

import pytest

from flows.simulate.study import truth

LIMIT = 10.0  # 2.5 times 4.0


def _fold(counts) -> float:
    return max(one.value for one in counts) / counts[0].value


def test_the_active_drug_raises_lymphocytes_two_to_threefold(study):
    world = study("cyt107")
    for one in world.subjects:
        fold = _fold(world.counts[one.usubjid])
        assert (1.8 <= fold <= 3.3) if one.treated else fold < 1.6


def test_baseline_is_lymphopenic_and_drawn_before_the_dose(study):
    world = study("null")
    for one in world.subjects:
        first = world.counts[one.usubjid][0]
        assert first.value < 1.0
        assert first.minute < one.given[0].start


@pytest.mark.parametrize("scenario", ["null", "cyt107"])
def test_no_count_passes_the_limit(study, scenario):
    world = study(scenario)
    assert max(one.value for counts in world.counts.values() for one in counts) < LIMIT / 2
    assert truth(world)["lymphocytes_above_limit"] == []


def test_one_treated_subject_passes_the_limit_where_planted(study):
    world = study("alc")
    above = [name for name, counts in world.counts.items() if max(one.value for one in counts) > LIMIT]
    assert above == [world.lymphocytosis] == truth(world)["lymphocytes_above_limit"]
    assert next(one for one in world.subjects if one.usubjid == world.lymphocytosis).treated
