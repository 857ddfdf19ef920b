"""Show one stopping boundary and its exact operating characteristics, for `postdose boundary`."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from checks.design import rates_from
from checks.errors import DesignError, UsageError
from checks.statistics.boundaries import (
    METHODS,
    Boundary,
    OperatingCharacteristics,
    operating_characteristics,
)
from flows.pages.design.document import rounded, to_json
from flows.pages.design.step_chart import step_chart
from flows.pages.design.stretches import stretches
from flows.pages.kit.lines import columns, in_blocks, wrapped
from flows.pages.kit.words import percent

SCHEMA = "postdose/boundary/1"


def run_boundary(
    method: str,
    *,
    n_max: int,
    null_rate: float,
    alpha: float,
    looks: str | None,
    rates: str | None,
    options: Mapping[str, str | float | None],
    as_json: bool,
) -> int:
    """Print a boundary as text, or as one JSON document, and return exit code 0.

    Parameters
    ----------
    method
        A name in ``checks.statistics.boundaries.METHODS``.
    n_max, null_rate, alpha
        Largest number of subjects, acceptable rate, largest probability of crossing at it.
    looks, rates
        Numbers separated by commas: subjects at each look; true rates to judge it at. None: after every
        subject; the null rate and some above.
    options
        What the method takes beside these, None where nothing was given; ``prior`` as "a,b".
    as_json
        Whether to print JSON.

    Raises
    ------
    UsageError
        On a list that is not of numbers, an unknown method, and whatever ``checks.statistics.boundaries`` refuses.
    """
    if method not in METHODS:
        raise DesignError(f"method: found {method!r}; allowed: {', '.join(METHODS)}")
    given = {
        name: numbers(name, value, float) if isinstance(value, str) else value
        for name, value in options.items()
        if value is not None
    }
    at = None if looks is None else numbers("looks", looks, int)
    boundary = METHODS[method](n_max=n_max, null_rate=null_rate, alpha=alpha, looks=at, **given)
    judged = rates_from(null_rate) if rates is None else numbers("rates", rates, float)
    behaves = operating_characteristics(boundary, judged)
    sys.stdout.write(
        to_json(boundary_document(boundary, behaves)) if as_json else boundary_text(boundary, behaves)
    )
    return 0


def numbers(name: str, text: str, kind: Callable[[str], Any]) -> tuple[Any, ...]:
    """Return the numbers of a list separated by commas; a UsageError names the option otherwise."""
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        what = "whole numbers" if kind is int else "numbers"
        raise UsageError(f"--{name}: found {text!r}; allowed: {what} separated by commas") from None


def boundary_document(boundary: Boundary, behaves: OperatingCharacteristics) -> dict[str, Any]:
    """Return the boundary, its inputs and its operating characteristics; one value a rate or a look."""
    document = {
        "schema": SCHEMA,
        "method": boundary.method,
        "n_max": boundary.n_max,
        "null_rate": boundary.null_rate,
        "alpha": boundary.alpha,
        "options": dict(boundary.options),
        "looks": boundary.looks,
        "events": boundary.events,
        "critical_value": boundary.critical_value,
        "size": boundary.size,
        "size_by_look": size_by_look(boundary),
        "operating_characteristics": {
            "rates": behaves.rates.tolist(),
            "reject_probability": behaves.reject_probability.tolist(),
            "expected_events": behaves.expected_events.tolist(),
            "expected_n": behaves.expected_n.tolist(),
            "reject_by_look": behaves.reject_by_look.tolist(),
        },
    }
    return rounded(document)


def size_by_look(boundary: Boundary) -> list[float]:
    """Return the probability of crossing first at each look, at the null rate."""
    at_null = operating_characteristics(boundary, [boundary.null_rate])
    spent: list[float] = at_null.reject_by_look[0].tolist()
    return spent


def boundary_text(boundary: Boundary, behaves: OperatingCharacteristics) -> str:
    """Return the boundary for a terminal of 80 columns: table, step chart, operating characteristics."""
    blocks = [
        _heading(boundary),
        [
            "Fewest events that cross, and how often they do at the null rate",
            *columns(_boundary_rows(boundary)),
        ],
        step_chart(boundary.looks, boundary.events, boundary.n_max),
        ["Operating characteristics (exact)", *columns(_rate_rows(behaves))],
    ]
    return in_blocks(*blocks)


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
    found = stretches(boundary.looks, boundary.events, size_by_look(boundary))
    rows = [
        (one.named(boundary.looks, to="-"), one.fewest, percent(one.here), percent(one.total))
        for one in found
    ]
    return [("subjects", "events", "crosses here", "by then"), *rows]


def _rate_rows(behaves: OperatingCharacteristics) -> list[tuple[str, ...]]:
    header = ("true rate", "crosses", "expected events", "expected subjects")
    rows = zip(
        behaves.rates, behaves.reject_probability, behaves.expected_events, behaves.expected_n, strict=True
    )
    return [header, *((f"{p:g}", percent(float(r)), f"{e:.2f}", f"{n:.2f}") for p, r, e, n in rows)]
