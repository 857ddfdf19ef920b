"""What a judged column says of a row with which nothing is wrong."""

from typing import Final

DATA: Final = "data"
KNOWN: Final = "known"
READABLE: Final = "readable"
CERTAIN: Final = "certain"
NUMBER: Final = "number"
FITS: Final = "fits"
AGREES: Final = "agrees"
ENROLLED: Final = "enrolled"
DOSED: Final = "dosed"
