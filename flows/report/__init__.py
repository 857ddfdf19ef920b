"""The files of a look: look.json and the tables beside it."""

from flows.report.files import write_files, write_json

__all__ = ["write_files", "write_json"]
