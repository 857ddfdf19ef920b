"""Stopping boundaries on rates: one registry of methods, one calibration for all."""

from checks.statistics.boundaries.boundary import (
    Boundary,
    CountBoundary,
    OperatingCharacteristics,
    lowest,
    operating_characteristics,
)
from checks.statistics.boundaries.methods import METHODS

__all__ = [
    "METHODS",
    "Boundary",
    "CountBoundary",
    "OperatingCharacteristics",
    "lowest",
    "operating_characteristics",
]
