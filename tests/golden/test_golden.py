"""Looks at studies of ours give the documents that are kept: look.json, and of some the listings, byte for byte.

Those of the good study, spoilt, are compared where they are made (tests/functional/test_bad_input.py).
"""

import tempfile
from pathlib import Path

import pytest
from golden.make import EXPECTED, documents, kept_of
from golden.studies import INSIDE, LISTED, SPOILT_NAME

LIKE_ANOTHER = ("diurnal_1", "early_1")
HERE = [
    pytest.param(name, marks=pytest.mark.slow if name.endswith(("_2", "_3")) or name in LIKE_ANOTHER else ())
    for name in INSIDE
    if not name.startswith(SPOILT_NAME)
]
"""Further worlds of a kind are looked at with the slow tests."""


@pytest.mark.parametrize("name", HERE)
def test_a_look_gives_the_documents_that_are_kept(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:  # gone at once: together they are large
        made = documents(INSIDE[name], Path(folder))
    for path in sorted((EXPECTED / name).iterdir()):
        assert made.get(path.name, made.get("error.txt")) == path.read_text(encoding="utf-8"), path.name


def test_what_is_kept_is_what_is_looked_at() -> None:
    assert {path.name for path in EXPECTED.iterdir()} == set(INSIDE)
    for name in INSIDE:
        files = {path.name for path in (EXPECTED / name).iterdir()}
        assert files == set(kept_of(name, everything=False)) - {"error.txt"}
    assert set(LISTED) <= set(INSIDE)
