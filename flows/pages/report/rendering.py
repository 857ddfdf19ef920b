"""Write the page of a look: one self-contained file in which every text of a feed is inert."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from checks.protocol import StudyProtocol
from flows.pages.kit.rendering import render
from flows.pages.report.page import compose_page
from flows.report.files import write_whole


def render_report(
    look: Mapping[str, Any], *, doses: pd.DataFrame, protocol: StudyProtocol, out: Path
) -> Path:
    """Write ``report.html`` into ``out`` and return its path; the same look gives the same bytes.

    Parameters
    ----------
    look
        The look.json document, pooled and blinded, with ``quarantine``, ``checks``, ``caveats`` and
        ``simulated``.
    doses
        One row a dose: USUBJID, dose_number, hours_end, window, trusted, risk_observed_hours,
        control_observed_hours (hours).
    protocol
        The study protocol that the look was made with.
    out
        The look's folder; made when it does not exist.
    """
    page = compose_page(look, doses=doses, protocol=protocol)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "report.html"
    write_whole(path, render("report/report.html.j2", page=page))
    return path
