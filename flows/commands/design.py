"""`postdose design`: what a protocol's rules do, as a page and JSON for the DSMB to sign."""

import argparse
import sys
from pathlib import Path

from flows.commands.arguments import add_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("protocol", type=Path)
    parser.add_argument("--out", type=Path, help="folder for the page (default: design beside the protocol)")
    parser.add_argument(
        "--subjects", type=int, help="planned subjects (default: a rate rule's largest n_max)"
    )
    add_json(parser, "design.json")


def run(options: argparse.Namespace) -> int:
    from checks.errors import UsageError
    from checks.protocol import load_protocol
    from flows.pages.design.document import build_design, to_json
    from flows.pages.design.page import write_design
    from flows.pages.design.terminal import design_text

    if options.subjects is not None and options.subjects < 1:
        raise UsageError(f"--subjects: found {options.subjects}; allowed: 1 or more")
    study = load_protocol(options.protocol)
    out = study.folder / "design" if options.out is None else options.out
    paths, design = write_design(study, out, subjects=options.subjects)
    said = to_json(build_design(study, design)) if options.json else design_text(design, study, paths["html"])
    sys.stdout.write(said)
    return 0
