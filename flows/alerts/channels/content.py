"""What of a message each kind of channel is given: its document, its plain text, its page."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

from flows.inert import inert_line
from flows.ledger import Outgoing
from flows.pages.message import Short


def document(outgoing: Outgoing) -> bytes:
    """Return a message as the one JSON document that machines are given, with its idempotency key."""
    return inert_line(
        json.dumps({"id": outgoing.id, **outgoing.message}, indent=2, ensure_ascii=False)
    ).encode()


def subject(message: Mapping[str, object]) -> str:
    """Return the subject as one line: a line break in it could begin another header."""
    return inert_line(" ".join(str(message["subject"]).split()))


def text(message: Mapping[str, object]) -> str:
    """Return the plain text; of a message without one, its subject."""
    return inert_line(str(message.get("text") or subject(message)))


def short_text(message: Mapping[str, object], fits: Callable[[str], bool], *, line_end: str = "\n") -> str:
    """Return as much of a message as fits: all of it, or a shorter text that still says what must be said.

    That is its study, verdict, cases, alert and page, in fewer words as there is less room. Nothing is cut: a part is
    said or left out. Where not even the fewest words fit, they are what is returned.
    """
    whole = line_end.join(text(message).splitlines())
    if fits(whole):
        return whole
    short = cast(Short | None, message.get("short"))
    if short is None:  # a brief message is short already; a message of an earlier version has its subject
        return subject(message)
    said = ""
    for lines in _fewer_and_fewer(short["says"]):
        said = line_end.join(lines)
        if fits(said):
            return _with_more(said, short["more"], fits, line_end)
    return said


def _fewer_and_fewer(says: Sequence[Sequence[str]]) -> Iterator[Sequence[str]]:
    """Yield the lines in ever fewer words, those of the last line, the page, being shortened first."""
    places = [0] * len(says)
    yield [words[0] for words in says]
    for step in range(1, max(map(len, says), default=0)):
        for line in reversed(range(len(says))):
            places[line] = min(step, len(says[line]) - 1)
            yield [words[place] for words, place in zip(says, places, strict=True)]


def _with_more(said: str, more: Sequence[str], fits: Callable[[str], bool], line_end: str) -> str:
    """Return a text with what else fits, in order, and how many further sentences the page has."""
    for done, one in enumerate(more):
        rest = len(more) - done
        longer = line_end.join((said, " ".join(one.split())))
        left = f"{line_end}and {rest - 1} more, in the report" if rest > 1 else ""
        if not fits(longer + left):
            ending = f"{line_end}and {rest} more, in the report"
            return said + ending if fits(said + ending) else said
        said = longer
    return said
