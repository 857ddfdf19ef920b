"""The settings: what the environment decides, and what it may not."""

from pathlib import Path

import pytest

from checks.errors import UsageError
from flows.settings import read_settings

KEY = "0123456789abcdef" * 2


def test_the_ledger_key_is_read_and_is_no_address_and_is_not_shown() -> None:
    environ = {"POSTDOSE_LEDGER_KEY": KEY, "POSTDOSE_PHYSICIAN_URL": "json://127.0.0.1/"}
    settings = read_settings(environ, state=None, folder=Path("study"))
    assert settings.ledger_key == KEY.encode()
    assert settings.addresses == {"POSTDOSE_PHYSICIAN_URL": "json://127.0.0.1/"}
    assert KEY not in repr(settings)


@pytest.mark.parametrize("environ", [{}, {"POSTDOSE_LEDGER_KEY": ""}])
def test_without_a_key_nothing_is_sealed(environ: dict[str, str]) -> None:
    assert read_settings(environ, state=None, folder=Path()).ledger_key is None


def test_a_short_ledger_key_is_refused_without_showing_it() -> None:
    with pytest.raises(
        UsageError, match="POSTDOSE_LEDGER_KEY: found 31 characters; allowed: 32 or more"
    ) as caught:
        read_settings({"POSTDOSE_LEDGER_KEY": KEY[1:]}, state=None, folder=Path())
    assert KEY[1:] not in str(caught.value)


def test_an_option_wins_over_the_environment_which_wins_over_the_default() -> None:
    environ = {"POSTDOSE_STATE": "sqlite:///told"}
    assert read_settings(environ, state="sqlite:///asked", folder=Path("f")).state_url == "sqlite:///asked"
    assert read_settings(environ, state=None, folder=Path("f")).state_url == "sqlite:///told"
    assert read_settings({}, state=None, folder=Path("f")).state_url == "sqlite:///f/postdose.sqlite"
