"""Notify those who must act: whom, of what, through which channel, and who follows when nobody answers."""

from flows.alerts.deciding import Looked, alerts_of_look, due
from flows.alerts.sending import (
    LONGEST_CLAIM,
    PROMPTLY,
    UNDER_WAY,
    Sent,
    alerts_due,
    begin,
    notify_unmarked,
    notify_unrecorded,
    run_alerts,
    send_due,
)

__all__ = [
    "LONGEST_CLAIM",
    "PROMPTLY",
    "UNDER_WAY",
    "Looked",
    "Sent",
    "alerts_due",
    "alerts_of_look",
    "begin",
    "due",
    "notify_unmarked",
    "notify_unrecorded",
    "run_alerts",
    "send_due",
]
