"""The engine is what was asked for, or a message says what to install."""

import sys

import pytest

from checks.errors import UsageError
from flows.engines import open_engine


def test_local_is_the_process_of_the_look() -> None:
    with open_engine("local", {}) as engine:
        assert engine is None


def test_without_dask_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "flows.engines.cluster", raising=False)
    monkeypatch.setitem(sys.modules, "dask", None)
    found = (
        r"--engine dask: found that dask is not installed; allowed: after `pip install 'postdose\[dask\]'`"
    )
    with pytest.raises(UsageError, match=found) as refused, open_engine("dask", {}):
        pytest.fail("an engine without Dask")
    assert refused.value.exit_code == 2
