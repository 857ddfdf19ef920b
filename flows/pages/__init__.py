"""What people read: report, design, closed report, message, replay and terminal, on one kit.

Nothing is imported here, so that one page is shown without loading what another needs.
"""
