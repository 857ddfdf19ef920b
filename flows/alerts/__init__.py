"""Notify those who must act: whom, of what, through which channel, and who follows when nobody answers."""

from flows.alerts.deciding import Looked, alerts_of_look, due
from flows.alerts.sending import alerts_due, notify_unrecorded, run_alerts, send_due

__all__ = ["Looked", "alerts_due", "alerts_of_look", "due", "notify_unrecorded", "run_alerts", "send_due"]
