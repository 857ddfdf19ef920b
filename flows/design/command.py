"""Write and print the design of a protocol's rules, for `postdose design`."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from checks.design import design_protocol
from checks.errors import UsageError
from checks.protocol import StudyProtocol, load_protocol
from flows.pages.design.document import build_design, to_json
from flows.pages.design.page import compose_design
from flows.pages.design.terminal import design_text
from flows.pages.kit.rendering import render

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
    text = render("design/design.html.j2", page=page)
    out.mkdir(parents=True, exist_ok=True)
    paths = {"json": out / "design.json", "html": out / "design.html"}
    paths["json"].write_bytes(to_json(document).encode("utf-8"))
    paths["html"].write_bytes(text.encode("utf-8"))
    return paths, document
