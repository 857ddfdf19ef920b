"""One stopping boundary and its exact operating characteristics, as a document and at a terminal."""

from collections.abc import Sequence

from checks.statistics.boundaries import Boundary, OperatingCharacteristics, operating_characteristics
from flows.pages.design.document import rounded
from flows.pages.design.step_chart import step_chart
from flows.pages.design.stretches import stretches
from flows.pages.kit.lines import columns, in_blocks, wrapped
from flows.pages.kit.words import percent

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
