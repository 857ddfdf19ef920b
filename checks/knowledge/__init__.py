"""What was known of each feed at a data cut-off, from every delivery that had arrived by then."""

from checks.knowledge.deliveries import Deliveries, Knowledge

__all__ = ["Deliveries", "Knowledge"]
