"""The catalogue of tests: every vital sign and laboratory test that postdose knows, each in one entry.

Test codes follow CDISC SDTM controlled terminology (code lists VSTESTCD, LBTESTCD); units are in ``checks.units``.
Conversions: NIST Special Publication 811 (2008), appendix B.9, degree Fahrenheit to degree Celsius
t/C = (t/F - 32) / 1.8; a percentage is a hundredth (same publication, section 7.10.2).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeVar

from checks.fields import NotNegative, Positive, Section
from checks.units import (
    BEATS,
    BREATHS,
    CELSIUS,
    FAHRENHEIT,
    FRACTION,
    INSPIRED,
    MMHG,
    SATURATION,
    Unit,
    plain,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Value = TypeVar("Value", float, "NDArray[np.float64]", "pd.Series[float]")


@dataclass(frozen=True, slots=True)
class HoursOfTest:
    """How long measurements of one test speak of one another, in hours.

    ``confirm``: a normal measurement so soon after an abnormal one contradicts it, unless another abnormal one lies
    within ``again`` on either side. ``fresh``: a normal measurement no older tells that an onset is new, and hours
    between two measurements no further apart are observed. ``run``: abnormal measurements no further apart are one
    sustained run.
    """

    confirm: float
    again: float
    fresh: float
    run: float


class Worse(Section):
    """By how much a test must be beyond what was seen before to be worse: in its canonical unit, and as a share."""

    by: Positive
    share: NotNegative = 0.0


VITAL_HOURS = HoursOfTest(confirm=2.0, again=3.0, fresh=6.0, run=4.0)
"""Of vital signs, which a ward charts every one to four hours.

These hours, and by how much each test is worse, were chosen on two sets of real intensive-care charts with planted
episodes, and confirmed on two more: of the definitions tried they saw most of what was planted at the fewest onsets
that were not.
"""

LABORATORY_HOURS = HoursOfTest(confirm=24.0, again=48.0, fresh=48.0, run=48.0)
"""Of laboratory tests, which are drawn once a day: a day without a draw is bridged."""


@dataclass(frozen=True, slots=True)
class CatalogueTest:
    """One test of the catalogue.

    ``units`` begin with the canonical one, in which measurements and criteria are compared; a laboratory test has
    none: its result is compared with the limits that came with it, in whichever unit. ``plausible`` are the lowest
    and the highest value that a living subject can have, both allowed, in the canonical unit: they catch what cannot
    be (a decimal point lost, an artefact, another unit), not what is abnormal. ``unmistakable`` are units that no
    number fits two of: none needs to be given. ``loinc``, ``snomed`` and ``mdc`` (IEEE 11073) are the codes by which
    FHIR names the test; ``spellings`` are other test codes in common use that can mean this test alone, in upper case
    without blanks and signs. A test without ``worse_by`` has no worse onset.
    ``severity_floor`` is the least standard deviation, in the canonical unit, that a subject's own chart is taken to
    have where a measurement is scored by it (a chart without any spread would make every change enormous); a test
    without one is not scored.
    """

    code: str
    domain: Literal["VS", "LB"]
    label: str
    loinc: tuple[str, ...]
    snomed: tuple[str, ...] = ()
    mdc: tuple[str, ...] = ()
    spellings: tuple[str, ...] = ()
    units: tuple[Unit, ...] = ()
    plausible: tuple[float, float] = (0.0, float("inf"))
    unmistakable: bool = False
    hours: HoursOfTest = VITAL_HOURS
    worse_by: Worse | None = None
    severity_floor: float | None = None


CATALOGUE: tuple[CatalogueTest, ...] = (
    CatalogueTest(
        "TEMP", "VS", "body temperature", units=(CELSIUS, FAHRENHEIT), plausible=(25.0, 45.0),
        hours=replace(VITAL_HOURS, fresh=12.0, run=8.0),  # charted every four to eight hours
        worse_by=Worse(by=1.0),
        severity_floor=0.3,
        spellings=("TEMPERATURE", "BODYTEMPERATURE", "BODYTEMP", "TEMPC", "TEMPF", "BT"),
        loinc=(
            "8310-5",
            "8328-7",  # axillary
            "8329-5",  # core
            "8330-3",  # intravascular
            "8331-1",  # oral
            "8332-9",  # rectal
            "8333-7",  # tympanic
            "8334-5",  # urinary bladder
            "60834-9",  # blood
            "60836-4",  # oesophageal
            "60838-0",  # nasopharyngeal
            "75539-7",  # temporal artery
            "76010-8",  # nasal
            "76011-6",  # ear
            "104063-3",  # groin
            "11289-6",  # at first encounter
        ),
        snomed=(
            "386725007",
            "276885007",  # core
            "415882003",  # axillary
            "415945006",  # sublingual
            "307047009",  # rectal
            "415974002",  # tympanic
            "698832009",  # urinary bladder
            "1222808002",  # blood
            "431598003",  # oesophageal
            "698831002",  # nasopharyngeal
            "364246006",  # vaginal
            "415929009",  # inguinal
        ),
        mdc=(
            "150364",  # body
            "150368",  # core
            "150380",  # nasopharyngeal
            "150392",  # tympanic
            "188420",  # rectal
            "188424",  # oral
            "188428",  # ear
            "188436",  # blood
            "188452",  # axillary
            "188496",  # axillary
            "188504",  # nasal
        ),
    ),
    CatalogueTest(
        "RESP", "VS", "respiratory rate", units=(BREATHS,), plausible=(1.0, 90.0),
        worse_by=Worse(by=8.0, share=0.25),  # the share too: a fast rate varies by more
        severity_floor=3.0,
        spellings=("RR", "RESPRATE", "RESPIRATORYRATE", "RESPIRATIONRATE", "RESPIRATION"),
        loinc=(
            "9279-1",
            "11291-2",  # at first encounter
            "19840-8",  # on a ventilator, spontaneous and mechanical breaths together
            "76170-0",  # acoustic
            "76171-8",  # by airway flow
            "76172-6",  # by carbon dioxide
            "76173-4",  # by pressure outside the airway
            "76174-2",  # by plethysmograph of a pulse oximeter
        ),
        snomed=("86290005", "250810003"),
        mdc=(
            "151562",
            "151570",  # by the airway
            "151578",  # by impedance of the thorax
            "152490",  # on a ventilator, spontaneous and mechanical breaths together
        ),
    ),
    CatalogueTest(
        "OXYSAT", "VS", "oxygen saturation", units=(SATURATION,), plausible=(10.0, 100.0),
        worse_by=Worse(by=4.0),  # what ISO 80601-2-61 lets a pulse oximeter err by
        severity_floor=1.5,
        spellings=("SPO2", "SAO2", "O2SAT", "SATO2", "OXYGENSATURATION"),
        loinc=(
            "2708-6",  # arterial blood
            "59408-5",  # arterial blood, by pulse oximetry
            "59407-7",  # the same, before the arterial duct
            "59418-4",  # the same, after the arterial duct
            "59410-1",  # the same, on room air
            "59414-3",  # the same, before bronchodilation
            "59415-0",  # the same, before physiotherapy
            "59416-8",  # the same, before treatment
            "59417-6",  # the same, at rest
            "89277-8",  # the same, during anaesthesia
            "51733-4",  # arterial blood, calculated from the partial pressure
        ),
        snomed=("442476006", "431314004", "103228002"),
        mdc=(
            "150456",  # by pulse oximetry
            "160296",  # the same, before the arterial duct
            "160300",  # the same, after the arterial duct
            "150324",  # arterial blood
        ),
    ),
    CatalogueTest(
        "HR", "VS", "heart rate", units=(BEATS,), plausible=(10.0, 300.0),
        spellings=("HEARTRATE",),
        loinc=(
            "8867-4",
            "40443-4",  # at rest
        ),
        snomed=("364075005",), mdc=("147842",),
    ),
    CatalogueTest(
        "PULSE", "VS", "pulse rate", units=(BEATS,), plausible=(10.0, 300.0),
        spellings=("PULSERATE",),
        loinc=(
            "8889-8",  # heart rate by pulse oximetry
            "8893-0",  # heart rate of a peripheral artery, by palpation
            "67129-7",  # the same, at rest
            "60978-4",  # heart rate of an arterial line
        ),
        snomed=("8499008", "78564009"),
        mdc=(
            "149514",
            "149530",  # by pulse oximetry
        ),
    ),
    CatalogueTest(
        "SYSBP", "VS", "systolic blood pressure", units=(MMHG,), plausible=(20.0, 300.0),
        spellings=("SBP", "SYSTOLICBLOODPRESSURE"),
        loinc=("8480-6",), snomed=("271649006",),
    ),
    CatalogueTest(
        "DIABP", "VS", "diastolic blood pressure", units=(MMHG,), plausible=(5.0, 200.0),
        spellings=("DBP", "DIASTOLICBLOODPRESSURE"),
        loinc=("8462-4",), snomed=("271650006",),
    ),
    CatalogueTest(
        "MAP", "VS", "mean arterial pressure", units=(MMHG,), plausible=(5.0, 300.0),
        spellings=("MBP", "MEANARTERIALPRESSURE"),
        loinc=("8478-0",), snomed=("6797001",),
    ),
    CatalogueTest(
        "FIO2", "VS", "inspired oxygen", unmistakable=True, plausible=(0.209, 1.0),
        units=(FRACTION, INSPIRED),
        hours=replace(VITAL_HOURS, fresh=12.0),  # charted where it is changed
        worse_by=Worse(by=0.2),
        loinc=(
            "3150-6",  # inhaled oxygen concentration
            "19994-3",  # inspired gas setting of a ventilator
            "71835-3",  # inhaled gas
        ),
        snomed=("250774007",), mdc=("152196",),
    ),
    CatalogueTest(
        "LYM", "LB", "lymphocytes", hours=LABORATORY_HOURS,
        loinc=(
            "731-0",  # automated count
            "732-8",  # manual count
            "26474-7",
        ),
    ),
    CatalogueTest(
        "NEUT", "LB", "neutrophils", hours=LABORATORY_HOURS,
        loinc=(
            "751-8",  # automated count
            "753-4",  # manual count
            "26499-4",
        ),
    ),
    CatalogueTest("WBC", "LB", "leukocytes", hours=LABORATORY_HOURS, loinc=("6690-2", "26464-8")),
    CatalogueTest("PLAT", "LB", "platelets", hours=LABORATORY_HOURS, loinc=("777-3", "26515-7")),
    CatalogueTest("ALT", "LB", "alanine aminotransferase", hours=LABORATORY_HOURS, loinc=("1742-6",)),
    CatalogueTest("AST", "LB", "aspartate aminotransferase", hours=LABORATORY_HOURS, loinc=("1920-8",)),
    CatalogueTest("BILI", "LB", "bilirubin", hours=LABORATORY_HOURS, loinc=("1975-2", "14631-6")),
    CatalogueTest("CREAT", "LB", "creatinine", hours=LABORATORY_HOURS, loinc=("2160-0", "14682-9")),
    CatalogueTest("CRP", "LB", "C-reactive protein", hours=LABORATORY_HOURS, loinc=("1988-5",)),
)  # fmt: skip
"""Every test; where the codes of an observation name two of them, the first holds.

A vital sign that is no entry here cannot be named by a criterion, and its rows are left alone; a laboratory test may
be named all the same, by its LBTESTCD.

Sources of the plausible limits, as read in November 2026: CLIF consortium, clifpy ``outlier_config.yaml``
(temperature 32 to 44 C, heart rate to 300, blood pressure to 300 and 200 mmHg, saturation 50 to 100 %, respiratory
rate to 60, FiO2 0.21 to 1), and the expected values of the Phoenix sepsis score, R package phoenix (FiO2 0.21 to 1,
pressures 1 to 300 and 1 to 200). Their highest heart rate, pressures and saturation are kept; a mean pressure lies
between the diastolic and the systolic; FiO2 begins at room air as it is charted with a decimal, 20.9 %. Temperature,
respiratory rate and saturation are wider here: a value withheld in error can be a case missed, and these three define
the cases. Rates, pressures and saturation begin above 0, which is a lost signal.

Sources of the spellings: CDISC controlled terminology, VSTEST beside VSTESTCD (C67153); the columns of MIMIC-IV-ED
(vitalsign: temperature, heartrate, resprate, o2sat, sbp, dbp) and of the eICU database (vitalPeriodic: sao2,
respiration); CLIF consortium, vital_category (temp_c, heart_rate, respiratory_rate, spo2, sbp, dbp, map); SatO2 is
what Romance languages write. RR is a blood pressure (Riva-Rocci) on German charts, and BT may be another test: a
spelling holds only where the unit beside it is no other vital's.

Sources of the codes, by LOINC's names of them: HL7 FHIR R4, vital-signs profiles; US Core, pulse oximetry; HL7 value
sets ``observation-vitalsign-heartrate``, ``-oxygensat`` and ``-resprate`` (LOINC 2.81); the value sets of
electronic clinical quality measures (body temperature 2.16.840.1.113762.1.4.1045.152, oxygen saturation by pulse
oximetry .151, respiratory rate .130, of May 2025); ISO/IEEE 11073-10101 (``MDC_TEMP_BODY`` and its kin); Medical
Informatics Initiative (Germany), core data set, module intensive care medicine, value sets of monitoring, vital signs
and ventilation (commit f94ca2c, August 2026), whose pulse is a concept of its own beside the heart rate, as it is in
CDISC's VSTESTCD. A part of a rate (mechanical breaths alone), the temperature of a joint, of the skin or of the
airway, and the saturation of venous or unspecified blood, or during exercise, are not among them.
"""

VITALS: Mapping[str, CatalogueTest] = MappingProxyType(
    {one.code: one for one in CATALOGUE if one.domain == "VS"}
)
"""The vital signs that a criterion can name, by VSTESTCD."""

_HOURS: Mapping[tuple[str, str], HoursOfTest] = {(one.domain, one.code): one.hours for one in CATALOGUE}


def hours_of(test: tuple[str, str]) -> HoursOfTest:
    """Return the hours of a test, by domain and code; a laboratory test that is no entry has those of its kind."""
    return _HOURS.get(test, LABORATORY_HOURS)


CODES: Mapping[str, str] = MappingProxyType(
    {code: one.code for one in VITALS.values() for code in (one.code, *one.spellings)}
)
"""The vital that a test code means, by code and by each spelling of it."""

_SPELLINGS: Mapping[str, Mapping[str, Unit]] = {
    one.code: {spelling: unit for unit in one.units for spelling in unit.spellings} for one in CATALOGUE
}

SPELT_UNITS: frozenset[str] = frozenset(spelling for units in _SPELLINGS.values() for spelling in units)
"""Every spelling of a unit of the catalogue, as ``checks.units.plain`` makes it."""


def _spelt(vital: str, spelling: str) -> Unit | None:
    return _SPELLINGS.get(vital, {}).get(plain(spelling))


def unit_of(vital: str, spelling: str) -> str | None:
    """Return the unit that a spelling means for a vital, or None when it is none of a known vital's units."""
    unit = _spelt(vital, spelling)
    return None if unit is None else unit.name


def units_for(vital: str) -> tuple[str, ...]:
    """Return the units in which a vital may be given, the canonical one first; none for an unknown vital."""
    return tuple(unit.name for unit in VITALS[vital].units) if vital in VITALS else ()


def _unit(vital: str, spelling: str) -> Unit:
    unit = _spelt(vital, spelling)
    if unit is None:
        raise ValueError(f"{spelling!r} is no unit of {vital}; allowed: {', '.join(units_for(vital))}")
    return unit


def convert(vital: str, value: Value, unit: str) -> Value:
    """Return measurements in the canonical unit of their vital.

    Parameters
    ----------
    vital : str
        A key of ``VITALS``.
    value : float, array or Series of float, any shape
        In ``unit``.
    unit : str
        Any spelling of a unit of that vital.

    Raises
    ------
    ValueError
        When the unit is not one of the vital's.
    """
    known = _unit(vital, unit)
    return (value - known.subtract) / known.divide_by


def convert_difference(vital: str, value: Value, unit: str) -> Value:
    """Return a rise or fall in the canonical unit; a difference has no zero point (1.8 F is 1 C).

    Parameters and errors are those of ``convert``.
    """
    return value / _unit(vital, unit).divide_by
