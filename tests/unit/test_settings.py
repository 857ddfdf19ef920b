"""The settings: what the environment decides, and what it may not."""

from pathlib import Path

import pytest

from checks.errors import UsageError
from flows.settings import VARIABLES, prefect_settings, read_settings

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


SHARED = "postgresql://monitor:s3cret@db.example:5432/trial?sslmode=verify-full&connect_timeout=5"
PREFECT_DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"


def test_one_variable_names_the_database_of_the_ledger_and_of_prefect() -> None:
    environ = {"POSTDOSE_DATABASE": SHARED}
    assert read_settings(environ, state=None, folder=Path()).state_url == SHARED
    assert prefect_settings(environ)[PREFECT_DATABASE] == (
        "postgresql+asyncpg://monitor:s3cret@db.example:5432/trial?ssl=verify-full"
    )


def test_each_of_the_two_may_still_be_named_by_itself() -> None:
    environ = {
        "POSTDOSE_DATABASE": SHARED,
        "POSTDOSE_STATE": "sqlite:///own",
        PREFECT_DATABASE: "sqlite+aiosqlite:///p",
    }
    assert read_settings(environ, state=None, folder=Path()).state_url == "sqlite:///own"
    assert PREFECT_DATABASE not in prefect_settings(environ)


def test_a_shared_database_is_postgresql_and_is_not_repeated_where_it_is_not() -> None:
    for read in (lambda told: read_settings(told, state=None, folder=Path()), prefect_settings):
        with pytest.raises(UsageError, match="POSTDOSE_DATABASE: found another database") as caught:
            read({"POSTDOSE_DATABASE": "mysql://me:s3cret@host/x"})
        assert "s3cret" not in str(caught.value)


def test_without_a_shared_database_prefect_keeps_its_own_and_sends_no_usage_data() -> None:
    told = prefect_settings({"PREFECT_LOGGING_LEVEL": "DEBUG"})
    assert PREFECT_DATABASE not in told
    assert (told["DO_NOT_TRACK"], told["PREFECT_SERVER_ANALYTICS_ENABLED"]) == ("1", "false")
    assert "PREFECT_LOGGING_LEVEL" not in told  # what the environment says stays


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    for name, value in {
        "key": KEY,
        "url": SHARED,
        "physician": "json://127.0.0.1/",
        "auth": "me:s3cret",
    }.items():
        (tmp_path / name).write_text(f"{value}\n")
    environ = {
        "POSTDOSE_LEDGER_KEY_FILE": str(tmp_path / "key"),
        "POSTDOSE_DATABASE_FILE": str(tmp_path / "url"),
        "POSTDOSE_PHYSICIAN_URL_FILE": str(tmp_path / "physician"),
        "PREFECT_API_AUTH_STRING_FILE": str(tmp_path / "auth"),
    }
    settings = read_settings(environ, state=None, folder=Path())
    assert (settings.ledger_key, settings.state_url) == (KEY.encode(), SHARED)
    assert settings.addresses["POSTDOSE_PHYSICIAN_URL"] == "json://127.0.0.1/"
    told = prefect_settings(environ)
    assert told["PREFECT_API_AUTH_STRING"] == "me:s3cret"
    assert told[PREFECT_DATABASE].startswith("postgresql+asyncpg://monitor:s3cret@")


def test_a_file_that_cannot_be_read_or_stands_beside_its_value_is_refused(tmp_path: Path) -> None:
    gone = {"POSTDOSE_LEDGER_KEY_FILE": str(tmp_path / "gone")}
    with pytest.raises(UsageError, match=r"POSTDOSE_LEDGER_KEY_FILE: found .*gone, which cannot be read"):
        read_settings(gone, state=None, folder=Path())
    with pytest.raises(UsageError, match="found POSTDOSE_LEDGER_KEY_FILE beside it; allowed: one of the two"):
        read_settings({**gone, "POSTDOSE_LEDGER_KEY": KEY}, state=None, folder=Path())


def test_the_operators_table_has_each_variable_as_it_is_documented_here() -> None:
    readme = (Path(__file__).parents[2] / "deployments" / "README.md").read_text()
    for variable in VARIABLES:
        assert f"| `{variable.name}` | {variable.means} | {variable.default} |\n" in readme
