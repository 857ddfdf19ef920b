"""Report by arm, for those who may know it: the one part of the flows that reads who received what.

It knows nothing of Prefect, so that no run, parameter, log or state there can carry an arm.
"""

from flows.looks.closed.access import require_permission
from flows.looks.closed.report import closed_report

__all__ = ["closed_report", "require_permission"]
