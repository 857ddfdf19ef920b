"""Templates become text: every text of a feed is inert, an unprintable character replaced."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from flows.pages.kit import lines, words
from flows.pages.kit.words import NOT_A_DEVICE, SIMULATED, printable

FILTERS = (
    lines.plain,
    lines.plainly,
    words.utc_text,
    words.number,
    words.p_text,
    words.plural,
    words.ratio,
    words.span,
)
"""What templates may do with a value, by name."""


def render(template: str, **parts: object) -> str:
    """Return what a template below ``flows/pages`` makes of its parts; the same parts give the same text."""
    return environment().get_template(template).render(**parts)


@cache
def environment() -> Environment:
    """Return the one environment of all templates: those that end in ``.txt.j2`` are plain text."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parents[1]),
        autoescape=select_autoescape(disabled_extensions=("txt.j2",), default=True),
        undefined=StrictUndefined,
        finalize=_inert,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals.update(not_a_device=NOT_A_DEVICE, banner=SIMULATED)
    made.filters.update({filter.__name__: filter for filter in FILTERS})
    return made


def _inert(value: object) -> object:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
