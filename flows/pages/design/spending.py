"""What the rules spend together, and whether the declared alpha covers it, in sentences."""

from collections.abc import Mapping

from checks.design import Spending, spend_protocol
from checks.protocol import StudyProtocol
from flows.pages.kit.lines import wrapped
from flows.pages.kit.words import percent

COVERS: Mapping[bool | None, str] = {
    True: "covers",
    False: "does not cover",
    None: "cannot be held against",
}


def spending_text(protocol: StudyProtocol) -> str:
    """Return what the rules of a protocol spend, in lines of at most 80 columns."""
    sentences = spending_sentences(spend_protocol(protocol))
    return "\n".join(line for text in sentences for line in wrapped(text))


def spending_sentences(spending: Spending) -> tuple[str, ...]:
    """Return what is declared, what each count rule adds to it, and what has no number."""
    said = (_declared(spending), *_counts(spending), _one_path(spending), _unknown(spending))
    return tuple(text for text in said if text)


def _declared(spending: Spending) -> str:
    together = f"at most {percent(spending.bound)}, each rule with its alpha or with what it spends if more"
    if spending.one_path:
        together += ", those that count the same participants together"
    if spending.method == "none":
        said = f"The protocol shares no alpha among its rules: {(spending.rationale or '').rstrip('.')}."
    elif spending.familywise_alpha is None:
        said = "The protocol declares no familywise alpha."
    else:
        said = (
            f"The declared familywise alpha of {percent(spending.familywise_alpha)} "
            f"({spending.method}) {COVERS[spending.within]} what the rules spend together without harm"
        )
        return f"{said}{_so_far(spending)}: {together}." if spending.bound > 0 else f"{said}."
    known = spending.bound > 0
    return f"{said} Without harm the rules spend together{_so_far(spending)} {together}." if known else said


def _so_far(spending: Spending) -> str:
    return f", {', '.join(spending.unknown)} not counted" if spending.unknown else ""


def _counts(spending: Spending) -> list[str]:
    return [
        f"Counted in it: {name} has no alpha of its own, and crosses without harm in "
        f"{percent(spending.spent[name])} of trials of {spending.planned_subjects} participants."
        for name in spending.counts
        if spending.spent[name] is not None
    ]


def _one_path(spending: Spending) -> str:
    if not spending.one_path:
        return ""
    return (
        f"{' and '.join(spending.one_path)} count the same participants: one or another crosses without harm in "
        f"{percent(spending.one_path_spends)} of trials."
    )


def _unknown(spending: Spending) -> str:
    if not spending.unknown:
        return ""
    return f"No such probability could be computed for {', '.join(spending.unknown)}."
