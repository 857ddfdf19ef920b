"""The plain values of a study protocol: text, names, hours, rates, zones and schedules, and what each may be."""

import re
from collections.abc import Iterator, Mapping, Sized
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, Final, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints

from checks.problems import refuse, shown

Key = TypeVar("Key")
Item = TypeVar("Item")
Items = TypeVar("Items", bound=Sized)


class ReadOnly(Mapping[Key, Item]):
    """A mapping that cannot be changed, and unlike a mapping proxy can be pickled and copied."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[Key, Item]) -> None:
        self._items = dict(items)

    def __getitem__(self, key: Key) -> Item:
        return self._items[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return repr(self._items)


class Section(BaseModel):
    """A part of the protocol: frozen, and without room for a key that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Frozen = (AfterValidator(ReadOnly), PlainSerializer(dict))
"""Makes a validated mapping read-only, and a plain mapping again where it is written out."""


def _not_empty(items: Items) -> Items:
    # Field(min_length=1) would count valid items only, and so report a list of one bad item twice.
    if not items:
        raise refuse("nothing", "at least one")
    return items


NotEmpty = AfterValidator(_not_empty)


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text) or text.endswith("."):
        allowed = "up to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit and not ending with a dot"
        raise refuse(shown(text), f"{allowed} (it names files and records)")
    return text


ABBREVIATIONS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("EST", "EDT", "EST5EDT"), "America/New_York"),
    **dict.fromkeys(("CDT", "CST6CDT"), "America/Chicago"),
    **dict.fromkeys(("MST", "MDT", "MST7MDT"), "America/Denver"),
    **dict.fromkeys(("PST", "PDT", "PST8PDT"), "America/Los_Angeles"),
    **dict.fromkeys(("CET", "CEST", "MET"), "Europe/Paris"),
    **dict.fromkeys(("GMT", "GMT+0", "GMT-0", "GMT0", "Greenwich", "BST"), "Europe/London"),
    "HST": "Pacific/Honolulu",
    "EET": "Europe/Athens",
    "WET": "Europe/Lisbon",
    "UCT": "UTC",
    "Universal": "UTC",
    "Zulu": "UTC",
}
"""What is written for the zone of a place, and one that may be meant. The IANA database has most of them: some never
have summer time, others follow one country's rules. UTC itself may be meant, where a study is told in it."""

_BY_OFFSET: Final[Mapping[str, str]] = {
    "-4": "America/New_York",
    "-5": "America/New_York",
    "-6": "America/Chicago",
    "-7": "America/Denver",
    "-8": "America/Los_Angeles",
    "+0": "Europe/London",
    "+1": "Europe/Paris",
    "+2": "Europe/Paris",
    "+3": "Europe/Istanbul",
    "+8": "Asia/Shanghai",
    "+9": "Asia/Tokyo",
    "+10": "Australia/Sydney",
}
"""A place that has such an offset from UTC, in summer or winter."""

_NO_PLACES: Final = frozenset({*ABBREVIATIONS, "Factory", "localtime"})


def _zone(name: str) -> str:
    try:
        if name not in _NO_PLACES and not name.startswith("Etc/"):
            ZoneInfo(name)
            return name
    except (KeyError, ValueError, OSError):
        pass
    raise refuse(shown(name), f"an IANA time zone of a place, such as {_place_meant(name)}")


def _place_meant(name: str) -> str:
    """Return the zone of a place that a name may mean, and why the name itself is not taken."""
    offset = re.fullmatch(r"Etc/GMT([+-])(\d{1,2})", name)
    if offset is not None and int(offset[2]):
        hours, side = int(offset[2]), "EAST" if offset[1] == "-" else "WEST"
        as_meant, as_said = (f"{sign}{hours}" for sign in (offset[1], "+-".replace(offset[1], "")))
        place = _BY_OFFSET.get(as_meant) or _BY_OFFSET.get(as_said) or "Europe/Paris"
        return f"{place} (the sign of Etc/ zones is opposite: {name} is {hours} h {side} of Greenwich)"
    if name.startswith("Etc/"):
        return "Europe/London, or UTC (zones of Etc/ are no places)"
    if name in ABBREVIATIONS:
        return ABBREVIATIONS[name]
    places = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
    return (*get_close_matches(name, places, n=1, cutoff=0.75), "Europe/Paris")[0]


_CRON_FIELDS = (
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of the month", 1, 31),
    ("month", 1, 12),
    ("day of the week", 0, 7),
)
"""The fields of a crontab line (POSIX.1-2017, crontab; names and steps as in Vixie cron), and their numbers."""

_CRON_FIELD = re.compile(r"(?:[0-9*,/-]|\b[A-Za-z]{3}\b)+", re.ASCII)
"""What fields are made of; the letters and marks that cronsim knows beyond that are unknown to Prefect."""


def _cron_field_fits(place: int, field: str, high: int) -> bool:
    """Whether cronsim reads a field as the one at its place, and no step in it is longer than the field."""
    line = ["*"] * len(_CRON_FIELDS)
    line[place] = field
    if _CRON_FIELD.fullmatch(field) is None or any(int(step) > high for step in re.findall(r"/(\d+)", field)):
        return False
    return _is_cron(" ".join(line))


def _is_cron(line: str) -> bool:
    try:
        CronSim(line, datetime(2000, 1, 1))  # the grammar alone is asked: no schedule begins then
    except CronSimError:
        return False
    return True


def _cron(text: str) -> str:
    fields = text.split()
    if len(fields) != len(_CRON_FIELDS):
        raise refuse(shown(text), "five fields: minute, hour, day of the month, month, day of the week")
    for place, (field, (name, low, high)) in enumerate(zip(fields, _CRON_FIELDS, strict=True)):
        if not _cron_field_fits(place, field, high):
            allowed = f"{low}-{high}, *, lists, ranges and steps such as */5"
            raise refuse(f"{shown(field)} as the {name}", allowed)
    if not _is_cron(text):
        raise refuse(shown(text), "a schedule that comes: no month has such a day")
    return text


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_name)]
Zone = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_zone)]
Cron = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_cron)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
OneOrMore = Annotated[float, Field(ge=1)]
Whole = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Pair = tuple[float, float]
