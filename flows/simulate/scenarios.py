"""Scenarios to simulate: what is planted, when after the dose, and in which background."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

Hours = tuple[float, float]

NORMAL_DIURNAL_C = 0.25
"""Half the swing of body temperature over a day, C: 0.5 C from nadir to zenith (JAMA 1992;268:1578-80)."""
MORNING: Hours = (9.0, 11.0)
"""Local hours between which an infusion starts: after the morning round (simulated)."""
AROUND_THE_CLOCK: Hours = (0.0, 24.0)
"""Dosing hours that leave hours since dose unrelated to the hour of the day."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One simulated world.

    Attributes
    ----------
    name, summary : str
        Its name on the command line, and one sentence for the study team.
    planted_cases : int
        Treated subjects, each at a different site, who react to one dose with fever and respiratory distress.
    fever_onset_hours, distress_onset_hours : tuple of float
        Hours since dose start between which a planted component begins, drawn uniformly.
    diurnal_amplitude : float
        Half the daily swing of temperature, C.
    dosing_hours : tuple of float
        Local hours between which every dose starts, drawn uniformly. Dosed in the morning alone, hours 5 to 8
        fall on the afternoon's peak of temperature, and no comparison within a subject can tell them apart.
    lymphocytosis : bool
        Whether one treated subject's lymphocytes rise above 2.5 times the upper limit of normal.
    clean : bool
        Whether nobody is ill from the start, and each vital of a round is charted as it is: no study is such,
        but in one that is, a look must find all that is planted.
    """

    name: str
    summary: str
    planted_cases: int = 0
    fever_onset_hours: Hours = (5.2, 6.2)
    distress_onset_hours: Hours = (5.3, 6.6)
    diurnal_amplitude: float = NORMAL_DIURNAL_C
    dosing_hours: Hours = MORNING
    lymphocytosis: bool = False
    clean: bool = False


_WORLDS = (
    Scenario("cyt107", "Three treated subjects react 5 to 8 hours after one dose.", planted_cases=3),
    Scenario("null", "Nothing is planted: septic background alone."),
    Scenario(
        "early",
        "Three treated subjects react 1 to 3 hours after one dose.",
        planted_cases=3,
        fever_onset_hours=(1.1, 2.0),
        distress_onset_hours=(1.1, 2.2),
    ),
    Scenario(
        "late",
        "Three treated subjects react 10 to 14 hours after one dose.",
        planted_cases=3,
        fever_onset_hours=(10.2, 12.0),
        distress_onset_hours=(10.3, 12.5),
    ),
    Scenario(
        "alc", "Nothing reacts, but one treated subject's lymphocytes pass the limit.", lymphocytosis=True
    ),
    Scenario(
        "diurnal",
        "Nothing reacts, but temperature swings strongly over the day; doses come around the clock.",
        diurnal_amplitude=0.8,
        dosing_hours=AROUND_THE_CLOCK,
    ),
)

SCENARIOS: Mapping[str, Scenario] = MappingProxyType({world.name: world for world in _WORLDS})
"""Every scenario by its name."""
