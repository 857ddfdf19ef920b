"""Checks of results of VS and LB: test, value and unit."""

from typing import Final

from checks.validation.catalogue.check import Check, between, in_set
from checks.validation.states import AGREES, FITS, KNOWN, NUMBER

RESULTS: Final = (
    Check(
        "test_named", ("VS", "LB"), "completeness", "quarantines", ("{domain}TESTCD_state",), in_set(KNOWN),
        "rows without a test code, or with one that is not known and may be a needed vital", "rows",
        "{column} is {reason}; a result needs its test. A needed vital counts as not measured, and in the worst case "
        "as that vital. Ask the sender for the CDISC code, or the site what was measured; or say in the protocol "
        "what the code means (`test_codes` of the feed)",
    ),
    Check(
        "test_spelt_one_way", ("VS",), "conformance", "warns", ("VSTESTCD_spelling",), in_set(KNOWN),
        "rows whose test code is another spelling", "rows of vitals",
        "{column} is {reason}. The rows count as that vital. Ask the sender for one code a test, that of CDISC",
    ),
    Check(
        "value_present", ("VS", "LB"), "completeness", "quarantines", ("{domain}ORRES_given",), in_set(KNOWN),
        "results without a value that are not marked as not done", "results of tests that a rule uses",
        "{column} is blank, and the status is not NOT DONE. Ask the site for the value, or for the status",
    ),
    Check(
        "value_readable", ("VS", "LB"), "conformance", "quarantines", ("{domain}ORRES_state",), in_set(NUMBER),
        "results that are not a number", "results with a value",
        "{column} is {reason}. Ask the site for the value",
    ),
    Check(
        "unit_known", ("VS",), "conformance", "quarantines", ("VSORRESU_state",), in_set(KNOWN),
        "measurements in an unknown unit", "measurements with a readable value",
        "{column} is {reason}. A unit is never guessed. Ask the site",
    ),
    Check(
        "unit_fits", ("VS",), "plausibility", "quarantines", ("VSORRESU_fit",), in_set(FITS),
        "measurements that only another unit of the vital explains", "measurements with a known unit",
        "{column} cannot be in the unit given, but fits another unit of that vital (F written as C?). "
        "Ask the site to correct the unit",
    ),
    Check(
        "value_plausible", ("VS",), "plausibility", "quarantines", ("VSSTRESN_{{test}}",), between(),
        "measurements outside what a living subject can have", "measurements whose unit fits",
        "{column} lies outside the physiological limits of that vital (a lost decimal point or signal?). "
        "Ask the site for the value",
    ),
    Check(
        "readings_agree", ("VS",), "plausibility", "quarantines", ("VSORRES_agreement",), in_set(AGREES),
        "measurements that another of the same vital and time contradicts", "measurements beside another",
        "{column} differs from another measurement of the same vital at the same time by more than rounding, and "
        "the case definition holds for one but not the other. Both count in the worst case. Ask which one holds",
    ),
    Check(
        "value_not_negative", ("LB",), "plausibility", "quarantines", ("LBORRES_value",), between(minimum=0),
        "results below zero", "results with a readable value",
        "{column} is negative; a laboratory result is 0 or more. Ask the laboratory",
    ),
    Check(
        "upper_limit_given", ("LB",), "completeness", "warns", ("LBORNRHI_state",), in_set(NUMBER),
        "results without an upper limit of normal", "results with a value",
        "{column} is {reason}; a rule in multiples of the upper limit of normal cannot use the result",
    ),
)  # fmt: skip
