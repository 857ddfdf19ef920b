"""Decide which values of a vital can be a living subject's: outside, a row is withheld for the site to answer.

These limits catch what cannot be (a decimal point lost, an artefact, another unit), not what is abnormal.
"""

from collections.abc import Mapping
from types import MappingProxyType

PLAUSIBLE: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "TEMP": (25.0, 45.0),
        "RESP": (1.0, 90.0),
        "OXYSAT": (10.0, 100.0),
        "HR": (10.0, 300.0),
        "PULSE": (10.0, 300.0),
        "SYSBP": (20.0, 300.0),
        "DIABP": (5.0, 225.0),
        "FIO2": (0.21, 1.0),
    }
)
"""Vital -> lowest and highest plausible value, both allowed, in the canonical unit.

TEMP, OXYSAT and FIO2 follow the valid ranges of Wang et al., MIMIC-Extract, ACM CHIL 2020 (variable ranges after
Harutyunyan et al., Scientific Data 2019;6:96): 26 to 45 C, up to 100 %, 0.21 (room air) to 1.0. TEMP begins one
degree lower for deep therapeutic cooling. RESP and HR end far below that source (300 and 350), whose upper limits
are for cleaning, not for a subject awake to be asked about; RESP 0, HR 0 and OXYSAT 0 are lost signals.
"""
