"""Measurements: vital signs and laboratory results as one long table, from validation on."""

from checks.tables import FEW, FLAG, NUMBER, TEXT, TIME, Table

MEASUREMENTS = Table(
    "measurements",
    {
        "domain": FEW,
        "USUBJID": TEXT,
        "sequence": TEXT,
        "test": FEW,
        "value": NUMBER,
        "alternative": NUMBER,
        "unit": FEW,
        "upper_limit": NUMBER,
        "earliest": TIME,
        "latest": TIME,
        "trusted": FLAG,
    },
)
"""VS and LB: one row a measurement, the value of one test of one subject.

``test`` is VSTESTCD or LBTESTCD, ``sequence`` the --SEQ of the row in its ``domain``. ``value`` is in ``unit``: a
vital sign's canonical one (C, breaths/min, %, beats/min, mmHg, fraction), a laboratory result's as delivered; it is
missing where it cannot be read as a number. ``alternative`` is the value in another unit that the number would fit
(F written as C), missing where there is none. ``upper_limit`` is the upper limit of normal in ``unit``, missing
where it is not given.
"""
