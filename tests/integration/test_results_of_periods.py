"""Hourly means of a monitor: each stands for its hour, and what it shows may have begun at any instant of it."""

from pathlib import Path

import pytest
from four_subjects import FIRST, SECOND, FourSubjects, clock

# When doses were given, in hours after 08:00 -> answer, hours of a case. Fever and low saturation are means of the
# hours from 14:00 and 15:00, normal before: they began between 13:00 (the start of the last normal one) and 15:00.
DOSES = {0: ("signal", [5.0, 7.0]), 1.5: ("watch", [3.5, 5.5])}


@pytest.mark.parametrize("later", DOSES)
def test_a_mean_of_an_hour_may_have_begun_anywhere_in_it(later: float, tmp_path: Path) -> None:
    verdict, hours = DOSES[later]
    study = FourSubjects()
    study.make_ill(FIRST)
    study.make_ill(SECOND)
    for row in study.ex:
        row["EXSTDTC"], row["EXENDTC"] = clock(later), clock(later + 0.5)
    for row in study.vs:
        row["VSENDTC"] = row["VSDTC"][:11] + f"{int(row['VSDTC'][11:13]) + 1:02}:00"
    found = study.looked_at(tmp_path)
    assert found.verdict == verdict
    assert [case["onset_hours"] for case in found.document["cases"]] == [hours, hours]
    assert "what it shows may be of any instant in it" in found.page
    assert found.document["exposure"]["windows_evaluable"] == 4  # they observe as charted
