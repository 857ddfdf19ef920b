"""The figures of a look's report, by the section in which each stands; a new one is a module and a line here.

Sections of the page that show figures: rules, raster, cases, timing, exposure, quality.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import pandas as pd
from markupsafe import Markup

from checks.looks import LookDocument
from checks.protocol import StudyProtocol
from flows.pages.report.figures.paths import path_figures
from flows.pages.report.figures.raster import raster_figures
from flows.pages.report.figures.severity import severity_figures

Figures: TypeAlias = Callable[[LookDocument, StudyProtocol, pd.DataFrame], tuple[Markup, ...]]
"""Draws look.json, the protocol it was made with and its doses; nothing where there is nothing to draw."""

FIGURES: Mapping[str, Figures] = {
    "rules": path_figures,
    "raster": raster_figures,
    "timing": severity_figures,
}
