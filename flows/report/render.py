"""Decide how the page becomes bytes: one self-contained file in which every text of a feed is inert."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from checks.protocol import StudyProtocol
from flows.report.content import compose_page
from flows.report.files import write_whole
from flows.report.words import NOT_A_DEVICE, printable


def _inert(value: object) -> object:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_inert,
        trim_blocks=True,
        lstrip_blocks=True,
    )


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
    text = _environment().get_template("page.html.j2").render(page=page, not_a_device=NOT_A_DEVICE)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "report.html"
    write_whole(path, text)
    return path
