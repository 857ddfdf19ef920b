"""Which data of a look can be trusted: conformance, completeness, plausibility, freshness."""

from checks.validation.feeds import validate_feeds
from checks.validation.results import CheckResult, FeedOutcome, Validation
from checks.validation.suites import suite_problems, suite_texts

__all__ = ["CheckResult", "FeedOutcome", "Validation", "suite_problems", "suite_texts", "validate_feeds"]
