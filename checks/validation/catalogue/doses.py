"""Checks of EX: whether a row is a dose of study drug that was given."""

from typing import Final

from checks.validation.catalogue.check import Check, between, in_set
from checks.validation.states import KNOWN

DOSES: Final = (
    Check(
        "administration_clear", ("EX",), "completeness", "quarantines", ("administration_state",), in_set(KNOWN),
        "rows that do not say clearly what was given", "rows",
        "the treatment is blank, or may be one of `treatment.names` under another name, or the amount is blank, "
        "unreadable or impossible; which of these is not told, since it could tell the arm. The dose counts in the "
        "worst case. Ask the site to check the whole record; a further name of study drug belongs in "
        "`treatment.names`, that of another drug in `treatment.not_study_drug`",
    ),
    Check(
        "dose_status_known", ("EX",), "conformance", "quarantines", ("EXSTAT_state",), in_set(KNOWN),
        "administrations that do not say clearly whether they were given", "study-drug rows",
        "{column} {reason}. The dose counts in the worst case alone. Allowed: blank, COMPLETED, GIVEN, NOT DONE, "
        "NOT GIVEN, CANCELLED, ON HOLD, REWRITTEN (EXSTAT), Y or N (EXOCCUR, ECOCCUR, DELETED), PERFORMED, "
        "SCHEDULED or INTENDED (EXMOOD, ECMOOD). Ask the site",
    ),
    Check(
        "infusion_within_a_day", ("EX",), "plausibility", "warns", ("EXENDTC_midnight",), in_set(KNOWN),
        "infusions that end on the next day by the clock, with the date of the start", "rows with both times",
        "{column} is hours before the start, on the same date: an infusion over midnight (23:00 to 01:00), whose "
        "end is taken to be on the next day. The dose counts from its start. Correct the date of the end",
    ),
    Check(
        "one_dose_a_row", ("EX",), "conformance", "warns", ("EXDOSFRQ_state",), in_set(KNOWN),
        "rows that stand for several doses", "administrations given with a frequency",
        "{column} says that the dose was repeated from the start to the end of the row; only the first of these "
        "doses is counted, and no window is opened by the others. Ask the sender for a row for each dose",
    ),
    Check(
        "link_of_one_administration", ("EX",), "plausibility", "warns", ("EXLNKID_state",), in_set(KNOWN),
        "rows that share a link with rows too far apart", "administrations with a link",
        "{column} is shared by rows further apart than `max_administration_hours`: it names a course, an order or a "
        "kit, and not one administration. Those rows are joined by their times alone",
    ),
    Check(
        "treatment_listed", ("EX",), "conformance", "warns", ("treatment_state",), in_set(KNOWN),
        "rows of a treatment that the protocol does not list", "rows with a treatment",
        "the treatment is none of `treatment.names`, so the row opens no dose window, but in the worst case where it "
        "may be one by another name; which one is not told. "
        "When study drug is among them (a misspelt name), correct it, or add the name to the protocol",
    ),
    Check(
        "alive_when_dosed", ("EX",), "plausibility", "quarantines", ("EXSTDTC_hours_to_death",), between(minimum=0),
        "administrations after the subject's death", "administrations to subjects with a date of death",
        "{column} lies after the subject's death in DM; one of the two is wrong. Ask the site",
    ),
)  # fmt: skip
