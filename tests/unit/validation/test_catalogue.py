"""The catalogue is complete and readable: each check one name, one documented entry, one remedy."""

import string

import pytest

from checks.validation.catalogue import ROWS, STRUCTURE
from checks.validation.catalogue.check import ALL, Check
from checks.validation.catalogue.times import FUTURE


@pytest.mark.parametrize("domain", ALL)
def test_no_two_checks_of_a_domain_share_a_name(domain: str) -> None:
    names = [entry.name for entry in (*STRUCTURE, *ROWS) if domain in entry.domains]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("entry", [*STRUCTURE, *ROWS], ids=lambda entry: entry.name)
def test_a_check_says_what_it_counts_and_what_to_do(entry: Check) -> None:
    assert entry.numerator and entry.denominator
    fields = {field for _, field, _, _ in string.Formatter().parse(entry.message) if field}
    assert fields <= {"column", "reason"}
    if entry.severity != "warns":
        assert any(word in entry.message for word in ("Ask", "Correct", "correct")), entry.message


def test_the_check_that_sets_rows_aside_is_in_the_catalogue() -> None:
    assert FUTURE in {entry.name for entry in ROWS}


def test_no_suite_is_longer_than_a_million_rows_can_bear() -> None:
    """20 expectations take a third to half a second of a million rows, as measured with Great Expectations 1.24."""
    assert max(sum(domain in entry.domains for entry in ROWS) for domain in ALL) <= 20
