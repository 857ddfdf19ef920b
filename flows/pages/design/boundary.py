"""One stopping boundary and its exact operating characteristics, as a document and at a terminal."""

from collections.abc import Sequence

from checks.statistics.boundaries import Boundary, OperatingCharacteristics, operating_characteristics
from flows.pages.design.document import rounded
from flows.pages.design.stretches import stretches
from flows.pages.kit.lines import columns, in_blocks, wrapped
from flows.pages.kit.words import percent

PLOT_WIDTH = 70
"""Columns of the plot; with its axis and labels it stays within 80."""

MOST_ROWS = 16
"""Rows of the plot: half of a small terminal."""


def step_chart(looks: Sequence[int], events: Sequence[int | None], n_max: int) -> list[str]:
    """Return lines in which # stands on the fewest events that cross at the looks of its column.

    ``looks`` are the subjects at each look, ``events`` the fewest that cross there, None where none can; ``n_max`` is
    the number of subjects at the right end of the axis.
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


SCHEMA = "postdose/boundary/1"
INPUTS = ("method", "n_max", "null_rate", "alpha")
FOUND = ("looks", "events", "critical_value", "size")
BEHAVIOUR = ("rates", "reject_probability", "expected_events", "expected_n", "reject_by_look")
"""What the document says of a boundary, and of how it behaves, by their own names."""


def boundary_document(boundary: Boundary, behaves: OperatingCharacteristics) -> dict[str, object]:
    """Return the boundary, its inputs and its operating characteristics; one value a rate or a look."""
    return rounded(
        {
            "schema": SCHEMA,
            **{name: getattr(boundary, name) for name in INPUTS},
            "options": dict(boundary.options),
            **{name: getattr(boundary, name) for name in FOUND},
            "size_by_look": _size_by_look(boundary),
            "operating_characteristics": {name: getattr(behaves, name).tolist() for name in BEHAVIOUR},
        }
    )


def _size_by_look(boundary: Boundary) -> list[float]:
    """Return the probability of crossing first at each look, at the null rate."""
    at_null = operating_characteristics(boundary, [boundary.null_rate])
    spent: list[float] = at_null.reject_by_look[0].tolist()
    return spent


def boundary_text(boundary: Boundary, behaves: OperatingCharacteristics) -> str:
    """Return the boundary for a terminal of 80 columns: table, step chart, operating characteristics."""
    caption = "Fewest events that cross, and how often they do at the null rate"
    return in_blocks(
        _heading(boundary),
        [caption, *columns(_boundary_rows(boundary))],
        step_chart(boundary.looks, boundary.events, boundary.n_max),
        ["Operating characteristics (exact)", *columns(_rate_rows(behaves))],
    )


def _heading(boundary: Boundary) -> list[str]:
    options = "".join(f", {name} {_shown(value)}" for name, value in boundary.options)
    said = (
        f"{boundary.method}: at most {boundary.n_max} subjects, null rate {boundary.null_rate:g}, "
        f"alpha {boundary.alpha:g}{options}"
    )
    return [
        *wrapped(said),
        f"Exact size {boundary.size:.6f}, critical value {boundary.critical_value:.6g}",
    ]


def _shown(value: float | Sequence[float]) -> str:
    return f"{value:g}" if isinstance(value, float | int) else " ".join(f"{one:g}" for one in value)


def _boundary_rows(boundary: Boundary) -> list[tuple[str, ...]]:
    found = stretches(boundary.looks, boundary.events, _size_by_look(boundary))
    rows = [
        (one.named(boundary.looks, to="-"), one.fewest, percent(one.here), percent(one.total))
        for one in found
    ]
    return [("subjects", "events", "crosses here", "by then"), *rows]


def _rate_rows(behaves: OperatingCharacteristics) -> list[tuple[str, ...]]:
    header = ("true rate", "crosses", "expected events", "expected subjects")
    found = (behaves.rates, behaves.reject_probability, behaves.expected_events, behaves.expected_n)
    rows = zip(*found, strict=True)
    return [header, *((f"{p:g}", percent(float(r)), f"{e:.2f}", f"{n:.2f}") for p, r, e, n in rows)]
