"""What a look that Python asks for tells Prefect: the server that it starts has a password, and no other hears it."""

import pytest
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_SERVER_API_AUTH_STRING,
    get_current_settings,
    temporary_settings,
)

from flows.api_access import ASKED, GIVEN, URL
from flows.looks.monitor import _access

ALL = (PREFECT_API_AUTH_STRING, PREFECT_API_URL, PREFECT_SERVER_API_AUTH_STRING)


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch, tmp_path: str) -> None:
    monkeypatch.setenv("PREFECT_HOME", f"{tmp_path}/prefect")
    for name in (URL, GIVEN, ASKED):
        monkeypatch.delenv(name, raising=False)


def test_a_server_of_its_own_has_a_password_that_is_made_up() -> None:
    with temporary_settings(restore_defaults=ALL):
        first, second = _access(), _access()
        with temporary_settings(first):
            told = get_current_settings().to_environment_variables(include_secrets=True)
    assert first[PREFECT_API_AUTH_STRING] == first[PREFECT_SERVER_API_AUTH_STRING]
    assert told[ASKED] == told[GIVEN] == first[PREFECT_API_AUTH_STRING]
    assert first != second and len(told[ASKED]) > 40


@pytest.mark.parametrize(
    "known",
    [
        {PREFECT_API_URL: "https://prefect.example/api"},
        {PREFECT_SERVER_API_AUTH_STRING: "a:b", PREFECT_API_AUTH_STRING: "a:b"},
    ],
)
def test_what_this_process_knows_stays(known: dict[object, str]) -> None:
    with temporary_settings(known, restore_defaults=[one for one in ALL if one not in known]):
        assert _access() == {}
