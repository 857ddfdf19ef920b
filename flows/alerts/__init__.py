"""Tell the people who must act: who is told, of what, through which channel, and who follows when nobody answers."""

from flows.alerts.deciding import Looked, alerts_of_look, due
from flows.alerts.running import alerts_due, run_alerts
from flows.alerts.sending import send_due
from flows.alerts.unrecorded import tell_unrecorded

__all__ = ["Looked", "alerts_due", "alerts_of_look", "due", "run_alerts", "send_due", "tell_unrecorded"]
