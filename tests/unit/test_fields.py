"""Which plain values a protocol may hold."""

import copy
import pickle
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from checks.fields import ABBREVIATIONS, Cron, Name, ReadOnly, Zone


def accepts(kind: Any, value: str) -> bool:
    try:
        return bool(TypeAdapter(kind).validate_python(value) == value)
    except ValidationError:
        return False


@pytest.mark.parametrize(
    "cron",
    [
        "*/30 * * * *",
        "0 6 * * 1-5",
        "0,15,30,45 0-6/2 1 jan,Jul MON-FRI",
        "59 23 31 12 7",
        "5/10 * * * *",
    ],
)
def test_a_crontab_line_is_accepted(cron: str) -> None:
    assert accepts(Cron, cron)


@pytest.mark.parametrize(
    "cron",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 13 *",
        "* * * * 8",
        "5-1 * * * *",
        "*/0 * * * *",
        "*/90 * * * *",
        "1,,2 * * * *",
        "jan * * * *",
        "-1 * * * *",
        "@daily",
        "٣ * * * *",
        "0 0 31 2 *",  # never
        "0 0 L * *",  # of cronsim alone
        "0 0 * * 5L",
        "0 0 * * MON#2",
    ],
)
def test_what_is_no_crontab_line_is_refused(cron: str) -> None:
    assert not accepts(Cron, cron)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata"])
def test_a_zone_of_a_place_is_accepted(zone: str) -> None:
    assert accepts(Zone, zone)


@pytest.mark.parametrize(
    "zone", ["", "Paris", "UTC+2", "+02:00", "Europe", "../etc/passwd", "/etc/passwd", "Factory", "localtime"]
)
def test_what_is_no_zone_of_a_place_is_refused(zone: str) -> None:
    assert not accepts(Zone, zone)


@pytest.mark.parametrize(
    ("zone", "meant"),
    [
        # POSIX counts hours west of Greenwich as positive (IANA, etcetera): UTC-4 is Etc/GMT+4
        ("Etc/GMT-4", r"America/New_York \(.*opposite: Etc/GMT-4 is 4 h EAST of Greenwich"),
        ("Etc/GMT+2", r"Europe/Paris \(.*opposite: Etc/GMT\+2 is 2 h WEST of Greenwich"),
        ("Etc/GMT+5", r"America/New_York \(.*Etc/GMT\+5 is 5 h WEST of Greenwich"),
        ("Etc/GMT-13", r"opposite: Etc/GMT-13 is 13 h EAST of Greenwich"),
        ("Etc/GMT", "Europe/London, or UTC"),
        ("Etc/UTC", "Europe/London, or UTC"),
        ("EST", "America/New_York"),
        ("EST5EDT", "America/New_York"),
        ("CET", "Europe/Paris"),
        ("EET", "Europe/Athens"),
        ("GMT+0", "Europe/London"),
        ("Zulu", "UTC"),
        ("Europ/Paris", "Europe/Paris"),
    ],
)
def test_what_is_no_zone_of_a_place_is_refused_with_the_place_that_may_be_meant(
    zone: str, meant: str
) -> None:
    with pytest.raises(ValidationError, match=f"a place, such as .*{meant}"):
        TypeAdapter(Zone).validate_python(zone)


def test_a_zone_that_is_no_place_is_refused_with_one_that_is_accepted() -> None:
    assert all(accepts(Zone, place) and not accepts(Zone, name) for name, place in ABBREVIATIONS.items())


@pytest.mark.parametrize("name", ["CYT107-IV", "a", "NCT03821038", "1.2_b"])
def test_a_name_that_can_name_a_folder_is_accepted(name: str) -> None:
    assert accepts(Name, name)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a b", "-x", "é", "a.", "a" * 65, "a\nb"])
def test_a_name_that_cannot_is_refused(name: str) -> None:
    assert not accepts(Name, name)


def test_a_read_only_mapping_cannot_be_changed_but_can_be_copied_and_pickled() -> None:
    sites = ReadOnly({"FR01": "Europe/Paris"})
    with pytest.raises(TypeError):
        sites["FR01"] = "UTC"  # type: ignore[index]
    assert repr(sites) == repr({"FR01": "Europe/Paris"})
    assert copy.deepcopy(sites) == pickle.loads(pickle.dumps(sites)) == sites == {"FR01": "Europe/Paris"}
