"""What postdose is built of: every package by version and hash, and a bill of materials that says the same."""

import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "deployments" / "constraints.txt").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ASKED = [
    *PROJECT["project"]["dependencies"],
    *(one for extra in PROJECT["project"]["optional-dependencies"].values() for one in extra),
    *PROJECT["dependency-groups"]["build"],
    *PROJECT["build-system"]["requires"],
]


def pinned() -> dict[str, tuple[str, set[str]]]:
    """Version and hashes by name, as the lines say them."""
    found: dict[str, tuple[str, set[str]]] = {}
    for block in re.split(r"\n(?=\S)", TEXT.strip()):
        line, *hashes = block.split(" \\\n    --hash=sha256:")
        name, version = re.fullmatch(r"([a-z0-9.-]+)(?:\[[a-z0-9, ]+\])?==([\w.]+)(?: ; .*)?", line).groups()
        assert hashes and all(re.fullmatch("[0-9a-f]{64}", one) for one in hashes), line
        assert found.setdefault(name, (version, set(hashes))) == (version, set(hashes)), line
    return found


def test_each_line_is_an_exact_version_with_hashes_and_no_index_is_named() -> None:
    assert len(pinned()) > 100
    assert not re.search(r"https?:|--index|--extra|--find|--trusted", TEXT)


@pytest.mark.parametrize("asked", ASKED)
def test_what_the_project_asks_for_is_pinned_as_it_allows(asked: str) -> None:
    requirement = Requirement(asked)
    version, _ = pinned()[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(version)


def installed_for(asked: Requirement, seen: set[tuple[str, str]]) -> Iterator[str]:
    """Yield the packages here that one brings with it, by its own metadata."""
    for extra in ("", *asked.extras):
        key = (canonicalize_name(asked.name), extra)
        if key in seen:
            continue
        seen.add(key)
        yield key[0]
        for text in importlib.metadata.requires(asked.name) or ():
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate({"extra": extra}):
                yield from installed_for(one, seen)


def test_all_that_these_bring_is_pinned_at_the_version_that_is_tested_here() -> None:
    seen: set[tuple[str, str]] = set()
    tested = [Requirement(one) for one in ASKED if not one.startswith("hatchling")]  # which only builds
    here = {name for one in tested for name in installed_for(one, seen)}
    other = {
        name: version
        for name in here
        if (version := importlib.metadata.version(name)) != pinned().get(name, ("not pinned",))[0]
    }
    assert len(here) > 100 and other == {}


def test_both_commands_of_the_readme_take_every_package_by_its_hash() -> None:
    readme = (ROOT / "README.md").read_text()
    for name in ("demo", "test"):
        command = re.search(rf"<!-- {name} command -->\n```sh\n(.*)\n```", readme)[1]
        first, second, *_ = command.split(" && ")
        assert first == "pip install --require-hashes -r deployments/constraints.txt"
        assert re.fullmatch(r"pip install --no-deps --no-build-isolation (-e )?\.", second)


def bill() -> str:
    command = [sys.executable, str(ROOT / "deployments" / "sbom.py")]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, cwd=ROOT).stdout


def test_the_bill_of_materials_names_what_is_pinned_and_nothing_else() -> None:
    said = bill()
    document = json.loads(said)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["metadata"]["component"]["name"] == "postdose"
    told = {
        one["name"]: (one["version"], {each["content"] for each in one["hashes"]})
        for one in document["components"]
    }
    assert told == pinned() and len(document["components"]) == len(told)
    assert all(one["purl"] == f"pkg:pypi/{one['name']}@{one['version']}" for one in document["components"])
    assert bill() == said
