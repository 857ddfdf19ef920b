"""Stopping rules: one class a kind, with what the protocol says of it, its answer to a look and its design."""

from checks.rules.conditioned import compare
from checks.rules.evidence import Evidence
from checks.rules.kinds import KINDS, AnyRule
from checks.rules.rule import Rule, RuleResult, RuleVerdict

__all__ = ["KINDS", "AnyRule", "Evidence", "Rule", "RuleResult", "RuleVerdict", "compare"]
