"""A look as one function: feeds, a study protocol and a data cut-off in; verdict, and all that led to it, out."""

from checks.code_version import code_version
from checks.looks.build import case_part
from checks.looks.document import LookDocument
from checks.looks.path import Engine, Look, Stage, evidence_of, findings_of, look, look_at, make_ready

__all__ = [
    "Engine",
    "Look",
    "LookDocument",
    "Stage",
    "case_part",
    "code_version",
    "evidence_of",
    "findings_of",
    "look",
    "look_at",
    "make_ready",
]
