"""The closed report of a look, by arm, as one page."""
