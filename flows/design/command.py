"""Write and print the design of a protocol's rules, for `postdose design`."""

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from checks.design import design_protocol
from checks.errors import UsageError
from checks.protocol import StudyProtocol, load_protocol
from flows import report
from flows.design.content import compose_design
from flows.design.document import build_design
from flows.design.plain import to_json
from flows.design.text import design_text
from flows.report.words import NOT_A_DEVICE, printable

SEED, SIMULATIONS = 1, 10_000
"""Fixed, so that a protocol has one design; at a probability of 0.05 the Monte Carlo error is 0.002."""


def run_design(protocol: Path, *, out: Path | None, subjects: int | None, as_json: bool) -> int:
    """Write a protocol's design, print it as text or as one JSON document, and return exit code 0.

    Parameters
    ----------
    protocol
        The study protocol file.
    out
        Folder for design.json and design.html; ``design`` beside the protocol when None.
    subjects
        Planned subjects; the largest number that a rate rule on subjects plans for when None.
    as_json
        Whether to print JSON.

    Raises
    ------
    ProtocolError, UsageError
        On a protocol with problems, fewer than one subject, or a rule without a boundary within its alpha.
    """
    if subjects is not None and subjects < 1:
        raise UsageError(f"--subjects: found {subjects}; allowed: 1 or more")
    study = load_protocol(protocol)
    paths, document = write_design(study, study.folder / "design" if out is None else out, subjects=subjects)
    sys.stdout.write(to_json(document) if as_json else design_text(document, study, paths["html"]))
    return 0


def write_design(
    protocol: StudyProtocol, out: Path, *, subjects: int | None = None
) -> tuple[Mapping[str, Path], Mapping[str, Any]]:
    """Write design.json and design.html into ``out``; return their paths, by ending, and the document."""
    design = design_protocol(protocol, seed=SEED, simulations=SIMULATIONS, subjects=subjects)
    document = build_design(protocol, design)
    page = compose_design(document, protocol)
    text = _environment().get_template("design.html.j2").render(page=page, not_a_device=NOT_A_DEVICE)
    out.mkdir(parents=True, exist_ok=True)
    paths = {"json": out / "design.json", "html": out / "design.html"}
    paths["json"].write_bytes(to_json(document).encode("utf-8"))
    paths["html"].write_bytes(text.encode("utf-8"))
    return paths, document


def _inert(value: object) -> object:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _environment() -> Environment:
    folders = [Path(__file__).parent, Path(report.__file__).parent]
    return Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_inert,
        trim_blocks=True,
        lstrip_blocks=True,
    )
