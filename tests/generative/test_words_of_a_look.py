"""Random subjects, looked at by the package and by the slow count of ``tests/words``: the same cases and hours."""

import pytest
from words.made_up import random_subject
from words_in_tables import definition_of, look_at, package_look, slow_look, usual_protocol

PROTOCOL = usual_protocol()
DEFINITION = definition_of(PROTOCOL)


def hold_alike(seeds: range) -> None:
    for seed in seeds:
        chart = random_subject(seed)
        slow, package = slow_look(chart, DEFINITION), package_look(look_at({"S1": chart}, PROTOCOL), "S1")
        for part, expected in slow.items():
            assert package[part] == expected, f"{part} of random subject {seed}"


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_the_package_finds_what_the_words_say(first: int) -> None:
    hold_alike(range(first, first + 50))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(200, 2000, 200))
def test_the_package_finds_what_the_words_say_of_two_thousand_subjects(first: int) -> None:
    hold_alike(range(first, first + 200))
