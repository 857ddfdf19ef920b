"""Names of months as data entry forms write them, whole or cut off, in English and its neighbours' languages."""

import unicodedata
from functools import cache
from typing import Final

from checks.normal_forms import normal_form

_WHOLE: Final = (
    ("january", "januar", "janner", "janvier", "enero", "gennaio", "janeiro", "januari"),
    ("february", "februar", "fevrier", "febrero", "febbraio", "fevereiro", "februari"),
    ("march", "marz", "maerz", "mars", "marzo", "marco", "maart"),
    ("april", "avril", "abril", "aprile"),
    ("may", "mai", "mayo", "maggio", "maio", "mei"),
    ("june", "juni", "juin", "junio", "giugno", "junho"),
    ("july", "juli", "juillet", "julio", "luglio", "julho"),
    ("august", "aout", "agosto", "augustus"),
    ("september", "septembre", "septiembre", "settembre", "setembro"),
    ("october", "oktober", "octobre", "octubre", "ottobre", "outubro"),
    ("november", "novembre", "noviembre", "novembro"),
    ("december", "dezember", "decembre", "diciembre", "dicembre", "dezembro"),
)
"""Months of the year in English, German, French, Spanish, Italian, Portuguese and Dutch, without accents (Unicode
CLDR 46, months of the Gregorian calendar, wide; Janner is Austrian, Maerz German without its own letters)."""

_CUT_OTHERWISE: Final = {"mrz": 3, "mrt": 3}
"""Abbreviations that do not begin the name: March in German and Dutch."""

_SHORTEST: Final = 3


@cache
def month_of(name: str) -> int | None:
    """Return the number of the month that a text names; None where it names none, or cut off could be of two."""
    plain = normal_form("NFKD", name.rstrip(".").casefold())
    letters = "".join(one for one in plain if not unicodedata.combining(one))
    if letters in _CUT_OTHERWISE:
        return _CUT_OTHERWISE[letters]
    if len(letters) < _SHORTEST:
        return None
    found = {
        month for month, names in enumerate(_WHOLE, start=1) if any(one.startswith(letters) for one in names)
    }
    return found.pop() if len(found) == 1 else None
