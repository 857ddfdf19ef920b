"""Tell the people who must act: who is told, of what, and through which channel."""

from flows.alerts.routing import due_alerts
from flows.alerts.sending import send_due

__all__ = ["due_alerts", "send_due"]
