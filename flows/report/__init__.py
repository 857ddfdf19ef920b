"""Decide how a look is told: as one document, as one page for people, and as a few lines for a terminal."""

from flows.report.document import build_document, instant
from flows.report.files import write_files, write_json
from flows.report.look import Look
from flows.report.render import render_report
from flows.report.summary import text_summary

__all__ = ["Look", "build_document", "instant", "render_report", "text_summary", "write_files", "write_json"]
