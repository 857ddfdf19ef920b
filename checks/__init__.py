"""Decide: tables in, verdicts out; no orchestrator, network, clock or randomness."""
