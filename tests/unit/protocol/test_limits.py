"""The limits of a protocol: the README names each with its default."""

import re
from pathlib import Path

from checks.protocol.limits import Limits

ROOT = Path(__file__).parents[3]


def test_the_readme_names_each_limit_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(max_\w+)` \| ([0-9.]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    fields = Limits.model_fields.items()
    current = {name: one.default for name, one in fields if not (one.json_schema_extra or {})}
    assert {name: float(value) for name, value in rows.items()} == current
