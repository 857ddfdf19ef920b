"""Simulated studies: SDTM feeds, their study protocol, and the truth planted in them.

Everything here is SIMULATED. No subject, hour, dose number, temperature or site below is taken from a trial.
"""

from flows.simulate.scenarios import SCENARIOS, Scenario
from flows.simulate.study import simulate

__all__ = ["SCENARIOS", "Scenario", "simulate"]
