"""Draw a stopping boundary in letters, for a terminal of 80 columns."""

from collections.abc import Sequence

PLOT_WIDTH = 70
"""Columns of the plot; with its axis and labels it stays within 80."""

MOST_ROWS = 16
"""Rows of the plot: half of a small terminal."""


def step_chart(looks: Sequence[int], events: Sequence[int | None], n_max: int) -> list[str]:
    """Return lines in which # stands on the fewest events that cross at the looks of its column.

    Parameters
    ----------
    looks : sequence of int
        Subjects at each look.
    events : sequence of int or None
        Fewest events that cross there; None where none can.
    n_max : int
        Subjects at the right end of the axis.
    """
    known = [(look, fewest) for look, fewest in zip(looks, events, strict=True) if fewest is not None]
    top = max(fewest for _, fewest in known)
    step, width = -(-top // MOST_ROWS), min(PLOT_WIDTH, n_max * max(1, PLOT_WIDTH // n_max))
    cells = {((look - 1) * width // n_max, (fewest - 1) // step) for look, fewest in known}
    if looks == tuple(range(looks[0], looks[-1] + 1)):
        cells |= _filled(known, width, n_max, step)
    lines = ["events" if step == 1 else f"events, {step} a row"]
    for row in range((top - 1) // step, -1, -1):
        marks = "".join("#" if (column, row) in cells else " " for column in range(width))
        lines.append(f"{row * step + 1:>6} |{marks}".rstrip())
    lines += [" " * 7 + "+" + "-" * width, " " * 8 + _axis(width, n_max)]
    return lines


def _filled(known: Sequence[tuple[int, int]], width: int, n_max: int, step: int) -> set[tuple[int, int]]:
    """Return the cells that join looks after every subject where a subject is wider than a column."""
    per_subject = width // n_max
    return {
        ((look - 1) * width // n_max + more, (fewest - 1) // step)
        for look, fewest in known
        for more in range(per_subject)
    }


def _axis(width: int, n_max: int) -> str:
    left, right = "1", f"{n_max} subjects"
    return left + right.rjust(width - 1) if len(right) < width else f"{left} to {right}"
