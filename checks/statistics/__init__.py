"""Stopping boundaries on rates and tests of timing: counts and times in, results out."""
