"""Options of a rule's method: which it needs, and which it takes."""

from collections.abc import Iterator

from checks.fields import Section
from checks.problems import ProblemAt


def option_findings(
    rule: Section, method: str, needed: tuple[str, ...], extras: tuple[str, ...], every: set[str]
) -> Iterator[ProblemAt]:
    """Yield each option of ``every`` that the method lacks or does not take."""
    given = {name for name in every & rule.model_fields_set if getattr(rule, name) is not None}
    for name in needed:
        if name not in given:
            yield ProblemAt((name,), "nothing", f"a value: method {method} needs {name}")
    takes = ", ".join((*needed, *extras)) or "none of these options"
    for name in sorted(given - {*needed, *extras}):
        yield ProblemAt((name,), f"option {name}", f"leave it out: method {method} takes {takes}")
