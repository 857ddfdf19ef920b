"""What `postdose check` prints of a protocol that it has no problem with."""

from argparse import Namespace
from pathlib import Path

import pytest

from flows.commands import check

PROTOCOLS = Path(__file__).parents[1] / "fixtures" / "protocols"


def printed(name: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert check.run(Namespace(protocol=PROTOCOLS / name, suites=None)) == 0
    return capsys.readouterr().out.splitlines()


def test_how_an_earlier_file_is_read_is_said_with_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    told = [line.removeprefix(f"{PROTOCOLS}/") for line in printed("good.yaml", capsys)]
    assert "good.yaml:35: baseline_hours: [-6, 0] is read as 6 hours before each measurement" in told
    assert any(line.startswith("good.yaml:17: limits.max_gap_hours: not used") for line in told)


def test_a_test_without_a_worse_onset_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert sum("has no worse_by" in line for line in printed("good_hours.yaml", capsys)) == 2
