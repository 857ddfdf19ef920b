"""Decide how facts become a subject, a plain text and a page: one content, two templates."""

import textwrap
from functools import cache, lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from flows.alerts.messages.content import Content, content_of
from flows.alerts.messages.facts import Facts, Message, Occasion
from flows.alerts.messages.subjects import KEPT, headline, one_line, subject_line

WIDTH = 78
"""Columns of the plain text (RFC 5322, section 2.1.1). A path or a command is not
broken, so that it can be copied."""


def compose(facts: Facts) -> Message:
    """Return the message that facts make; the same facts give the same bytes."""
    subject = subject_line(facts)
    content = _brief(facts) if facts.brief else content_of(facts)
    templates = _environment()
    return Message(
        subject=subject,
        text=templates.get_template("message.txt.j2").render(content=content),
        html=templates.get_template("message.html.j2").render(content=content, subject=subject),
    )


def _brief(facts: Facts) -> Content:
    """Return that there is an alert, and its id, or that this is a test: not a word more."""
    test = facts.occasion is Occasion.TEST
    said = headline(facts) if test else f"There is a postdose alert: {one_line(facts.alert)}"
    return Content(said, "quiet", "", (), (), "")


@lru_cache(maxsize=KEPT)
def wrapped(text: str, first: str = "", rest: str = "") -> str:
    """Return a text in lines of at most ``WIDTH`` columns."""
    return textwrap.fill(
        one_line(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


@lru_cache(maxsize=KEPT)
def shown(text: str) -> Markup:
    """Return a text as one line of a page."""
    return escape(one_line(text))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"wrapped": wrapped, "one_line": one_line, "shown": shown}
    return environment
