"""The units of vital signs as people and machines write them: one table, whatever case, blanks, dots and width.

Sources of the spellings: UCUM (Cel, [degF], /min, %, mm[Hg], annotations in braces); CDISC code list VSRESU (C66770:
C, F, breaths/min, beats/min, mmHg, %, FRACTION OF 1); the Unicode signs for degrees (U+2103, U+2109), which its
compatibility form takes apart; exports of electronic data capture systems and of health records (MIMIC-IV: ``?C``,
``Deg. F``, ``insp/min``, ``bpm``; HL7 FHIR: ``breaths per minute``, ``degrees Fahrenheit``; Apple: ``count/min``), of
databases that lost the degree sign, and of French and German wards (``degrés``, ``Grad``).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Final

from checks.normal_forms import normal_form


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a test: its name and its spellings in real files, each as ``plain`` makes it.

    A value in it becomes one in the canonical unit by subtracting, then dividing: dividing keeps 101 F and 40 % at
    their nearest float.
    """

    name: str
    spellings: tuple[str, ...]
    subtract: float = 0.0
    divide_by: float = 1.0


_DEGREE_SIGNS: Final = str.maketrans({"\u02da": "\u00b0", "\u00ba": "\u00b0", "\ufffd": "?"})
"""A ring and an ordinal sign in place of the degree sign, and what stands for a byte that was lost."""

_ALIKE: Final = str.maketrans({"\u2212": "-", "\u2010": "-", "\u2011": "-", "\u2013": "-", "\u2215": "/"})
"""The signs of Unicode for minus, hyphen, dash and division, of which the first is in a superscript."""

_LEFT_OUT: Final = re.compile(r"[\s.\u00b7\u22c5*^_\[\](){}]")
"""What spellings of one unit differ in: blanks, dots, signs of multiplication and power, brackets."""


def plain(spelling: str) -> str:
    """Return a spelling as the table holds it: in the compatibility form of Unicode, upper case, without blanks."""
    compatible = normal_form("NFKC", spelling.translate(_DEGREE_SIGNS)).translate(_ALIKE)
    return _LEFT_OUT.sub("", compatible).upper()


def _spelt(*parts: Iterable[str]) -> tuple[str, ...]:
    """Return each combination of the parts of a spelling, once."""
    return tuple(dict.fromkeys(plain("".join(combination)) for combination in product(*parts)))


_DEGREES: Final = ("", "°", "Â°", "?", "o", "deg", "degs", "degree", "degrees", "degré", "degrés", "Grad")


def _degrees(*scales: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*_spelt(_DEGREES, scales), *_spelt(scales[:1], ("°", "deg")))))


CELSIUS: Final = Unit("C", _degrees("C", "Celsius", "Cel", "centigrade"))
FAHRENHEIT: Final = Unit("F", _degrees("F", "Fahrenheit", "Fahr"), subtract=32.0, divide_by=1.8)

_MINUTE: Final = ("min", "minute", "mn")
_PER_MINUTE: Final = (*_spelt(("/", "1/", "per"), _MINUTE), *_spelt(_MINUTE, ("-1",)))
_COUNTED: Final = ("", "count", "counts", "x")


def _a_minute(short: str, *counted: str) -> tuple[str, ...]:
    """Return the spellings of a rate; without a word for what is counted they are the test's own."""
    return tuple(dict.fromkeys((plain(short), *_spelt((*_COUNTED, *counted), _PER_MINUTE))))


_BREATHS: Final = (
    "breath",
    "breaths",
    "b",
    "br",
    "r",
    "resp",
    "resps",
    "respiration",
    "respirations",
    "insp",
)
BREATHS: Final = Unit("breaths/min", (*_a_minute("bpm", *_BREATHS), *_spelt(("brpm", "rpm"))))
BEATS: Final = Unit("beats/min", _a_minute("bpm", "beat", "beats", "b", "bt", "pulse", "pulses"))
MMHG: Final = Unit("mmHg", _spelt(("mmHg", "millimeters of mercury", "millimetres of mercury", "mm of Hg")))

_PERCENT: Final = ("%", "percent", "per cent", "pct", "prozent")
SATURATION: Final = Unit(
    "%", _spelt(_PERCENT, ("", "O2", "sat", "SpO2", "SaO2", "saturation", "O2 sat", "O2 saturation"))
)
INSPIRED: Final = Unit(
    "%", (*_spelt(_PERCENT, ("", "O2", "FiO2", "oxygen", "v/v", "vol")), plain("vol%")), divide_by=100.0
)
FRACTION: Final = Unit("fraction", _spelt(("fraction", "fraction of 1", "1", "ratio", "proportion")))
