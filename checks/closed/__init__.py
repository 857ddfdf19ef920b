"""Evaluate by arm: the one part of the checks that is given who received what."""

from checks.closed.by_arm import ArmResult, ByArm, Side, evaluate_by_arm
from checks.telltales import telltales_in

__all__ = ["ArmResult", "ByArm", "Side", "evaluate_by_arm", "telltales_in"]
