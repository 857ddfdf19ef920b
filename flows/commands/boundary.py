"""`postdose boundary`: a stopping boundary and its exact operating characteristics."""

import argparse

from flows.commands.arguments import add_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
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
    """Print a stopping boundary and its operating characteristics."""
    from flows.pages.design.boundary import run_boundary

    return run_boundary(
        options.method,
        n_max=options.n_max,
        null_rate=options.null_rate,
        alpha=options.alpha,
        looks=options.looks,
        rates=options.rates,
        options={name: getattr(options, name) for name in ("prior", "delta", "alternative_rate", "nu")},
        as_json=options.json,
    )
