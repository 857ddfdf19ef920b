"""Report by arm, for those who may know it: the one part of the flows that reads who received what.

It is no Prefect flow, so that no run, parameter, log or state of Prefect can carry an arm.
"""

from flows.closed.access import require_permission
from flows.closed.report import closed_report

__all__ = ["closed_report", "require_permission"]
