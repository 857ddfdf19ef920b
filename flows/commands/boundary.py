"""`postdose boundary`: a stopping boundary and its exact operating characteristics."""

import argparse
import sys

from checks.errors import DesignError, UsageError
from flows.commands.arguments import add_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("method", metavar="METHOD", help="as a rate rule of a study protocol names it")
    parser.add_argument("--n-max", type=int, required=True, help="largest number of subjects")
    parser.add_argument("--null-rate", type=float, required=True, help="acceptable rate of events")
    parser.add_argument("--alpha", type=float, required=True, help="largest probability of crossing at it")
    parser.add_argument("--looks", help="subjects at each look, as 5,10,15 (default: after every subject)")
    parser.add_argument(
        "--rates", help="true rates to judge it at, as 0.1,0.2 (default: null rate and above)"
    )
    parser.add_argument("--prior", help="a,b of the beta prior (beta_binomial, chen_chaloner)")
    parser.add_argument("--delta", type=float, help="shape (wang_tsiatis)")
    parser.add_argument("--alternative-rate", type=float, help="unacceptable rate (sprt, chen_chaloner)")
    parser.add_argument("--nu", type=float, help="posterior probability (chen_chaloner)")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    from checks.design import rates_from
    from checks.statistics.boundaries import METHODS, operating_characteristics
    from flows.pages.design.boundary import boundary_document, boundary_text
    from flows.pages.design.document import to_json

    if options.method not in METHODS:
        raise DesignError(f"method: found {options.method!r}; allowed: {', '.join(METHODS)}")
    given = {name: getattr(options, name) for name in ("delta", "alternative_rate", "nu")}
    given["prior"] = _numbers("prior", options.prior, float)
    boundary = METHODS[options.method](
        n_max=options.n_max,
        null_rate=options.null_rate,
        alpha=options.alpha,
        looks=_numbers("looks", options.looks, int),
        **{name: value for name, value in given.items() if value is not None},
    )
    rates = _numbers("rates", options.rates, float) or rates_from(options.null_rate)
    behaves = operating_characteristics(boundary, rates)
    shown = (
        to_json(boundary_document(boundary, behaves)) if options.json else boundary_text(boundary, behaves)
    )
    sys.stdout.write(shown)
    return 0


def _numbers(option: str, text: str | None, kind: type[int] | type[float]) -> tuple[float, ...] | None:
    """Return the numbers of a list separated by commas; a UsageError names the option otherwise."""
    if text is None:
        return None
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        what = "whole numbers" if kind is int else "numbers"
        raise UsageError(f"--{option}: found {text!r}; allowed: {what} separated by commas") from None
