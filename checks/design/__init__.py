"""What stopping rules do before they are used: errors, power, enrolment, and all rules together."""

from checks.design.results import Combined, CombinedCrossing, ProtocolDesign, Spending
from checks.design.study import design_protocol, spend_protocol
from checks.rules.counted import rates_from
from checks.rules.designs import CountedDesign, RuleDesign, TimingDesign, UnratedDesign

__all__ = [
    "Combined",
    "CombinedCrossing",
    "CountedDesign",
    "ProtocolDesign",
    "RuleDesign",
    "Spending",
    "TimingDesign",
    "UnratedDesign",
    "design_protocol",
    "rates_from",
    "spend_protocol",
]
