"""The catalogue is complete and readable: each check one name, one documented entry, one remedy."""

import string

import pytest

from checks.validation import catalogue
from checks.validation.catalogue import ROWS, STRUCTURE, Check, row_checks


@pytest.mark.parametrize("domain", catalogue.ALL)
def test_no_two_checks_of_a_domain_share_a_name(domain: str) -> None:
    names = [check.name for check in (*STRUCTURE, *row_checks(domain))]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("check", [*STRUCTURE, *ROWS], ids=lambda check: check.name)
def test_a_check_says_what_it_counts_and_what_to_do(check: Check) -> None:
    assert check.numerator and check.denominator
    fields = {field for _, field, _, _ in string.Formatter().parse(check.message) if field}
    assert fields <= {"column", "reason"}
    if check.severity != "warns":
        assert any(word in check.message for word in ("Ask", "Correct", "correct")), check.message


def test_the_check_that_sets_rows_aside_is_in_the_catalogue() -> None:
    assert catalogue.FUTURE in {check.name for check in ROWS}


def test_no_suite_is_longer_than_a_million_rows_can_bear() -> None:
    assert max(len(row_checks(domain)) for domain in catalogue.ALL) <= 16
