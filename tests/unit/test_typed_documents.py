"""What goes from module to module has a type; how many dictionaries of anything are left may only fall."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ANYTHING = re.compile(r"Mapping\[str, Any\]")


@pytest.mark.parametrize(
    ("folder", "most"),
    [
        # a design as JSON, which is the fields of its dataclasses; the path of a rule, free as its detail is
        ("flows/pages", 3),
        ("flows/looks", 0),
        ("flows/ledger", 0),
        ("flows/alerts", 0),
        ("flows/serving", 0),
        ("checks/looks", 0),
        # beside those: what a protocol file or a feed holds before it is validated; what Great Expectations takes
        ("", 16),
    ],
)
def test_no_further_document_without_a_type(folder: str, most: int) -> None:
    roots = [ROOT / folder] if folder else [ROOT / "checks", ROOT / "flows"]
    texts = (path.read_text(encoding="utf-8") for root in roots for path in root.rglob("*.py"))
    assert sum(len(ANYTHING.findall(text)) for text in texts) <= most
