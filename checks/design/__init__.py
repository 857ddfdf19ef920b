"""Decide what stopping rules do before they are used: errors, power, enrolment, and all rules together."""

from checks.design.rates import rates_from
from checks.design.results import (
    Combined,
    CombinedCrossing,
    CountedDesign,
    Estimate,
    PendingSize,
    ProtocolDesign,
    RuleDesign,
    Spending,
    Surveillance,
    TimingDesign,
    UnratedDesign,
)
from checks.design.spending import spend_protocol
from checks.design.study import design_protocol

__all__ = [
    "Combined",
    "CombinedCrossing",
    "CountedDesign",
    "Estimate",
    "PendingSize",
    "ProtocolDesign",
    "RuleDesign",
    "Spending",
    "Surveillance",
    "TimingDesign",
    "UnratedDesign",
    "design_protocol",
    "rates_from",
    "spend_protocol",
]
