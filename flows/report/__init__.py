"""Decide how a look is told: as one document and the files beside it."""

from flows.report.document import build_document, instant
from flows.report.files import write_files, write_json
from flows.report.look import Look

__all__ = ["Look", "build_document", "instant", "write_files", "write_json"]
