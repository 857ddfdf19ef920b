"""Decide which data of a look can be trusted: conformance, completeness, plausibility, freshness."""

from checks.validation.feeds import validate_feeds
from checks.validation.judged import Judged
from checks.validation.results import CheckResult, FeedOutcome, Validation

__all__ = ["CheckResult", "FeedOutcome", "Judged", "Validation", "validate_feeds"]
