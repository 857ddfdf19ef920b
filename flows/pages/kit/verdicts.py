"""What verdicts are called, what they mean, what is recommended to whom, and what each rule asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """What a verdict is called, what it means, and what is recommended to which role."""

    name: str
    headline: str
    meaning: str
    recommended: tuple[tuple[str, str], ...]


VERDICTS: Mapping[str, VerdictWords] = {
    "signal": VerdictWords(
        "Signal",
        "A stopping boundary has been crossed.",
        "At least one stopping rule of the study protocol is crossed on data that can be trusted. "
        "This is a statement about the rule, not about the cause.",
        (
            ("Safety physician", "assess every case listed here now, and inform the DSMB."),
            ("DSMB", "decide whether dosing should pause while the cases are assessed."),
            ("Sites", "observe participants through the risk window after every dose."),
        ),
    ),
    "watch": VerdictWords(
        "Watch",
        "No boundary is crossed, but one is near.",
        "A rule would cross with a case more, or with the missing facts at their worst.",
        (
            ("Safety physician", "assess the cases listed here before the next dose is given."),
            ("Data manager", "query the missing facts listed under what could change the answer."),
            ("DSMB", "no decision is asked for yet."),
        ),
    ),
    "not_assessable": VerdictWords(
        "Not assessable",
        "The data do not allow an answer.",
        "A feed that the rules need is missing, stale or unsound, or too little was observed. "
        "This is not reassurance: harm may be present and unseen.",
        (
            ("Data manager", "restore the feeds marked under data quality, then look again."),
            ("Safety physician", "do not rely on this look; watch participants by other means meanwhile."),
        ),
    ),
    "no_signal": VerdictWords(
        "No signal",
        "No stopping boundary is crossed, and none is near.",
        "The rules were evaluated on data that can be trusted. Absence of a signal is not proof of safety.",
        (("Safety physician", "no action beyond routine review; the next look follows the schedule."),),
    ),
}

DOUBTED = "No boundary is crossed, but one would be at the worst of what is in doubt."

BENEATH = "A boundary is near all the same"


def verdict_words(verdict: str, beneath: Sequence[str], repairs: str = "") -> VerdictWords:
    """Return the words of a verdict.

    ``beneath`` are the rules that would make one that is not assessable a watch; ``repairs`` say what is to be mended
    first where a watch comes of doubt alone.
    """
    words, watch = VERDICTS[verdict], VERDICTS["watch"]
    if verdict == "watch" and repairs:
        return replace(words, headline=f"{DOUBTED} {repairs}")
    if verdict != "not_assessable" or not beneath:
        return words
    return replace(
        words,
        headline=f"{words.headline} {BENEATH}: {', '.join(beneath)}.",
        meaning=f"{words.meaning} {watch.meaning}",
        recommended=(*words.recommended, *watch.recommended),
    )


RULE_VERDICTS: Mapping[str, str] = {
    "crossed": "Crossed",
    "not_crossed": "Not crossed",
    "not_evaluable": "Not evaluable",
}

PROSE_UNITS: Mapping[str, str] = {"subject": "participant", "window": "dose window"}

IN_WINDOW: Mapping[str, str] = {"yes": "yes", "possible": "possibly", "no": "no"}


def best_to_worst(best: str, worst: str) -> str:
    """Return a rule's verdicts in its best and its worst case, as a part of a sentence."""
    return f"best case {RULE_VERDICTS[best].lower()}, worst case {RULE_VERDICTS[worst].lower()}"
