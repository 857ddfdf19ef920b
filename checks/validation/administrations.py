"""Administrations: the rows of EX that are study drug given, and when; what was given is not known here."""

from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from checks.blinding import ANOTHER_DRUG, IMPOSSIBLE, PERHAPS_STUDY_DRUG, STUDY_DRUG
from checks.tables import WITHHELD
from checks.validation import dose_witnesses, states
from checks.validation.links import linked
from checks.validation.occurrence import told
from checks.validation.raw import Columns, Needed, Prepared, Shown, Source, state
from checks.validation.unused_rows import count_unused

NEEDED = (
    Needed("subject", ("USUBJID",)),
    Needed("treatment", ("EXTRT",)),
    Needed("start", ("EXSTDTC",)),
)

KEPT_BLIND: Final = 2
"""So many subjects without any possible amount are a feed that is kept blind for some of them, often those on
placebo: to withhold their doses would tell who they are. One subject's missing amounts are taken for a mistake."""


OVER_MIDNIGHT_HOURS: Final = 12
"""An end so long before its start, on one date, is nearer to the same time of the next day."""

BESIDE_STUDY_DRUG: Final = 0.5
"""Where of the subjects with study drug this share or more have another drug too, EX holds what is given beside it:
premedication, or a standard of care. A name that slipped in a few of their rows is no such thing."""

ONE_DOSE: Final = frozenset({"ONCE", "X1", "1 TIME", "CONTINUOUS"})
"""EXDOSFRQ of a row that is one administration: ONCE and CONTINUOUS are the CDISC terms (code list FREQ)."""


def prepare(source: Source) -> Prepared:
    """Make EX ready to be judged. Rows of other drugs, and doses not given, need no time and no amount."""
    judged, shown = source.common()
    treatment = source.text("EXTRT")
    data = ~source.is_header
    doubtful = (treatment == PERHAPS_STUDY_DRUG) | _may_be_the_doses(source)
    study_drug = data & (treatment.isna() | (treatment == STUDY_DRUG) | doubtful)
    said = _given(source, study_drug)
    given = study_drug & ~said.not_given
    spans, time_judged = source.times(given)
    ends, end_judged = source.ends(given, spans)
    unclear = treatment.isna() | (given & doubtful) | _amount_unclear(source, given)
    another = (treatment == ANOTHER_DRUG) | (treatment == PERHAPS_STUDY_DRUG)
    dead = source.subject.map(dict(source.setting.deaths)).astype("datetime64[s, UTC]")
    to_death = (dead - spans["earliest"]).dt.total_seconds() / 3600
    over, over_judged = _over_midnight(source, end_judged)
    keep = spans["placed"] & given
    now = keep & (spans["earliest"] <= source.setting.data_cutoff)
    link, link_judged, link_shown = linked(source, spans["earliest"], now)
    judged |= time_judged | end_judged | over_judged | link_judged
    judged |= {
        "administration_state": state({"unclear": unclear}, states.KNOWN, data),
        "EXSTAT_state": said.status,
        "EXDOSFRQ_state": _doses_of_a_row(source, given),
        "treatment_state": state({"not listed": another}, states.KNOWN, data & treatment.notna()),
        "EXSTDTC_hours_to_death": to_death.where(spans["placed"]),
    }
    withheld = Shown(WITHHELD, pd.Series(WITHHELD, index=data.index, dtype="str"))
    shown |= dict.fromkeys(("administration_state", "treatment_state"), withheld)
    shown |= link_shown | {"EXSTAT_state": said.shown}
    spans, witness_judged, added = dose_witnesses.judge_doses(source, spans, ends, given)
    judged |= witness_judged
    next_day = ends.where(~over, ends + pd.Timedelta(days=1))
    typed = spans[["earliest", "latest"]].assign(
        USUBJID=source.subject,
        EXSEQ=source.record,
        link=link,
        **source.after_start(next_day, spans),
    )
    unused = (
        *count_unused("another treatment than those that the protocol lists", data & ~study_drug),
        *count_unused("not given, or planned", study_drug & ~given),
    )
    return Prepared(judged, shown, typed, keep, given, spans["known_until"], added, unused)


def without_listed(source: Source) -> "pd.Series[bool]":
    """Whether the subject of each row has no row of a listed treatment, nor one that may be of one or is blank."""
    treatment = source.text("EXTRT")
    named = treatment.isna() | treatment.isin([STUDY_DRUG, PERHAPS_STUDY_DRUG])
    return ~source.subject.isin(source.subject[named & ~source.is_header])


def _may_be_the_doses(source: Source) -> "pd.Series[bool]":
    """Whether a row of another drug may be a dose by a name that nobody listed: its subject has none of a listed one.

    Not where EX holds other drugs beside study drug on purpose.
    """
    another = source.text("EXTRT") == ANOTHER_DRUG
    nameless = without_listed(source)
    dosed = source.subject[~nameless].dropna().unique()
    beside = source.subject[another & ~nameless].nunique()
    on_purpose = len(dosed) > 0 and beside >= BESIDE_STUDY_DRUG * len(dosed)
    return another & nameless & source.enrolled & (not on_purpose)


def _over_midnight(source: Source, end_judged: Columns) -> "tuple[pd.Series[bool], Columns]":
    """Take the end of an infusion over midnight, written with the date of its start, to be on the next day.

    By the clock it ends 12 h or more before it starts: the day after is then the nearer reading.
    """
    start, end = source.text("EXSTDTC"), source.text("EXENDTC")
    hours = end_judged["EXENDTC_hours_after_start"]
    timed = end.str.contains(":", regex=False) & start.str.contains(":", regex=False)
    over = timed & (start.str[:10] == end.str[:10]) & (hours <= -OVER_MIDNIGHT_HOURS)
    return over, {
        "EXENDTC_midnight": state({"over midnight": over}, states.KNOWN, hours.notna()),
        "EXENDTC_hours_after_start": hours.mask(over, hours + 24),
    }


def _doses_of_a_row(source: Source, given: "pd.Series[bool]") -> "pd.Series[str]":
    """Say whether each row with a frequency is one dose: it is not when it is repeated over several dates."""
    frequency, end = source.text("EXDOSFRQ").str.upper(), source.text("EXENDTC").str[:10]
    dates = end.notna() & (end != source.text("EXSTDTC").str[:10])
    repeated = dates & ~frequency.isin(ONE_DOSE)
    return state({"repeated": repeated}, states.KNOWN, given & frequency.notna())


@dataclass(frozen=True, slots=True)
class _Given:
    """Which rows say that their dose was not given, and the state of what they say."""

    not_given: "pd.Series[bool]"
    status: "pd.Series[Any]"
    shown: Shown


def _given(source: Source, among: "pd.Series[bool]") -> _Given:
    """Say of each row whether its dose was given: by EXSTAT, EXOCCUR and EXMOOD, or as EC collected them.

    A row that says no, and has all that a dose given has, contradicts itself. A planned one has it too.
    """
    texts = {name: source.first_of((name, f"EC{name[2:]}")) for name in ("EXSTAT", "EXOCCUR", "EXMOOD")}
    status, occurred, mood = (told(text, name[2:]) for name, text in texts.items())
    no = status.no | occurred.no
    not_given, given = no | mood.no, status.yes | occurred.yes
    unknown = status.unknown | occurred.unknown | mood.unknown
    bad = {
        "does not say whether the dose was given": unknown,
        "says that the dose was not given, or is planned, though another column says that it was": not_given
        & given,
        "says that the dose was not given, beside the start and the end of one by the clock": (
            no & _has_course(source, among & ~not_given) if no.any() else no
        ),
    }
    column, text = pd.Series("EXSTAT", among.index, dtype="str"), texts["EXSTAT"]
    for (name, words), one in reversed(list(zip(texts.items(), (status, occurred, mood), strict=True))):
        tells = one.unknown | (one.no & ~unknown)
        column, text = column.mask(tells, name), text.mask(tells, words)
    state_of, shown = source.status(bad, among, Shown(column, text))
    return _Given(not_given & (state_of == states.KNOWN), state_of, shown)


def _has_course(source: Source, reported: "pd.Series[bool]") -> "pd.Series[bool]":
    """Whether a row has what only a dose that was given has: a start and an end by the clock, and its amount.

    A planned dose has a start, and 0 is an amount, which placebo has too. A blank amount says nothing in a feed that
    is kept blind for some: to ask for it there would tell the arm.
    """
    start, end, amount = (source.text(name) for name in ("EXSTDTC", "EXENDTC", "EXDOSE"))
    by_clock = start.str.contains(":", regex=False) & end.str.contains(":", regex=False) & (start != end)
    with_amounts = _with_amounts(source, amount.notna() & reported)
    return by_clock & (amount.notna() | _is_kept_blind(source, reported, with_amounts))


def _amount_unclear(source: Source, given: "pd.Series[bool]") -> "pd.Series[bool]":
    """Whether a dose given has an impossible amount, or none although its subject has others."""
    amount = source.text("EXDOSE").where(given)
    possible = amount.notna() & (amount != IMPOSSIBLE)
    with_amounts = _with_amounts(source, possible)
    kept_blind = ~with_amounts & _is_kept_blind(source, given, with_amounts)
    return (amount == IMPOSSIBLE) | (given & amount.isna() & ~kept_blind)


def _with_amounts(source: Source, possible: "pd.Series[bool]") -> "pd.Series[bool]":
    """Whether the subject of each row has some possible amount."""
    return source.subject.isin(source.subject[possible].dropna())


def _is_kept_blind(source: Source, given: "pd.Series[bool]", with_amounts: "pd.Series[bool]") -> bool:
    """Whether the amounts of a feed are kept blind: of all subjects, or of more than a mistake explains."""
    return source.subject[given & ~with_amounts].nunique() >= KEPT_BLIND or not with_amounts.any()
