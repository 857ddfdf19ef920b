"""Say what would stop a look tonight, or keep its alerts from leaving, before it does.

Nothing lasting is written and no message is sent: what a look writes is rehearsed and undone.
"""

from flows.doctor.command import run_doctor

__all__ = ["run_doctor"]
