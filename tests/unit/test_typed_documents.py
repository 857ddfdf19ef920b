"""What goes from module to module has a type: nowhere is a dictionary of anything declared."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ANYTHING = re.compile(r"\b(?:Mapping|MutableMapping|dict)\[str, Any\]")


def test_no_dictionary_of_anything_is_declared() -> None:
    files = [path for folder in ("checks", "flows") for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 100
    found = [str(path) for path in files if ANYTHING.search(path.read_text(encoding="utf-8"))]
    assert found == []
