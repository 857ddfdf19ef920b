"""How a file is written: whole, or not at all."""

from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a text in UTF-8 so that whoever reads meanwhile, or after a crash, finds the old or the new one."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(text.encode("utf-8"))
    part.replace(path)
