"""Names of months of seven languages, whole and cut off (Unicode CLDR, months wide and abbreviated)."""

import pytest

from checks.months import month_of

ABBREVIATED = {
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "de": "Jan. Feb. M\u00e4rz Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.",
    "de, three letters": "J\u00e4n Feb M\u00e4r Apr Mai Jun Jul Aug Sep Okt Nov Dez",
    "de, upper case": "JAN FEB MRZ APR MAI JUN JUL AUG SEP OKT NOV DEZ",
    "fr": "janv. f\u00e9vr. mars avr. mai juin juil. ao\u00fbt sept. oct. nov. d\u00e9c.",
    "es": "ene feb mar abr may jun jul ago sept oct nov dic",
    "it": "gen feb mar apr mag giu lug ago set ott nov dic",
    "pt": "jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.",
    "nl": "jan. feb. mrt. apr. mei jun. jul. aug. sep. okt. nov. dec.",
}
WHOLE = {
    "de": "Januar Februar M\u00e4rz April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier f\u00e9vrier mars avril mai juin juillet ao\u00fbt septembre octobre novembre d\u00e9cembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pt": "janeiro fevereiro mar\u00e7o abril maio junho julho agosto setembro outubro novembro dezembro",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
}


@pytest.mark.parametrize("names", [*ABBREVIATED.values(), *WHOLE.values()])
def test_the_months_of_a_year_are_read_in_their_order(names: str) -> None:
    assert [month_of(name) for name in names.split()] == list(range(1, 13))


@pytest.mark.parametrize("name", ["jui", "ju", "maj", "ma", "UNK", "Monday", ""])
def test_what_could_be_of_two_months_or_of_none_is_none(name: str) -> None:
    assert month_of(name) is None
