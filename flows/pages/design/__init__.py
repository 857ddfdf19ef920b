"""Stopping rules before they are used: a boundary at the terminal, a design to sign.

Nothing is imported here, so that one boundary is shown without loading what a study needs.
"""
