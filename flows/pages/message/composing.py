"""How facts become a subject, a plain text and a page: one content, two templates."""

from functools import lru_cache

from markupsafe import Markup, escape

from flows.pages.kit import lines
from flows.pages.kit.rendering import environment, render
from flows.pages.message.facts import Facts, Message, Occasion
from flows.pages.message.sections import Content, content_of
from flows.pages.message.subject_line import KEPT, headline, one_line, subject_line

WIDTH = 78
"""Columns of the plain text (RFC 5322, section 2.1.1). A path or a command is not
broken, so that it can be copied."""


def compose(facts: Facts) -> Message:
    """Return the message that facts make; the same facts give the same bytes."""
    subject = subject_line(facts)
    content = _brief(facts) if facts.brief else content_of(facts)
    return Message(
        subject=subject,
        text=render("message/message.txt.j2", content=content),
        html=render("message/message.html.j2", content=content, subject=subject),
    )


def _brief(facts: Facts) -> Content:
    """Return that there is an alert, and its id, or that this is a test: not a word more."""
    test = facts.occasion is Occasion.TEST
    said = headline(facts) if test else f"There is a postdose alert: {one_line(facts.alert)}"
    return Content(said, "quiet")


@lru_cache(maxsize=KEPT)
def wrapped(text: str, first: str = "", rest: str = "") -> str:
    """Return a text in lines of at most ``WIDTH`` columns."""
    return "\n".join(lines.wrapped(one_line(text), first=first, rest=rest, width=WIDTH, whole_words=True))


@lru_cache(maxsize=KEPT)
def shown(text: str) -> Markup:
    """Return a text as one line of a page."""
    return escape(one_line(text))


environment().filters.update(wrapped=wrapped, one_line=one_line, shown=shown)
