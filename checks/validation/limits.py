"""Decide which values of a vital a living subject can have: outside, a row is withheld and the site asked.

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
        "DIABP": (5.0, 200.0),
        "FIO2": (0.209, 1.0),
    }
)
"""Vital -> lowest and highest plausible value, both allowed, in the canonical unit.

Sources, as read in November 2026: CLIF consortium, clifpy ``outlier_config.yaml`` (temperature 32 to 44 C,
heart rate to 300, blood pressure to 300 and 200 mmHg, saturation 50 to 100 %, respiratory rate to 60, FiO2
0.21 to 1), and the expected values of the Phoenix sepsis score, R package phoenix (FiO2 0.21 to 1, pressures
1 to 300 and 1 to 200). Their highest heart rate, pressures and saturation are kept; FiO2 begins at room air
as it is charted with a decimal, 20.9 %. Temperature, respiratory rate and saturation are wider here: a value
withheld in error can be a case missed, and these three define the cases. Rates, pressures and saturation
begin above 0, which is a lost signal.
"""
