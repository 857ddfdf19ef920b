"""The JSON Schemas that are printed hold for every document there is, and refuse what is none."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from checks.rules import RuleVerdict
from checks.signals import Verdict
from flows.commands.cli import main
from flows.pages.schemas import DIALECT, SCHEMAS, schema_of

ROOT = Path(__file__).parents[3]
LOOKS = sorted((ROOT / "tests/golden/expected").glob("*/look.json"))
PROTOCOLS = sorted(
    path
    for folder in ("tests/fixtures", "deployments/studies", "flows/simulate", "tests/unit/pages/report/looks")
    for path in (ROOT / folder).rglob("*.yaml")
    if path.parent.name != "protocols" or path.name in ("good.yaml", "good_minimal.yaml", "good_formats.yaml")
)
"""All but good_yaml_words.yaml, whose words other readers of YAML take for numbers and truths."""
IDS = {"protocol_sha256": "0" * 64, "code_version": "0.1.0+abc", "look_id": "0123456789abcdef"}
"""What golden looks are kept without."""


def look(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) | IDS


def protocol(path: Path) -> dict[str, Any]:
    return json.loads(json.dumps(yaml.safe_load(path.read_text(encoding="utf-8"))))


def refusals(document: str, value: object) -> list[str]:
    return [error.message for error in Draft202012Validator(schema_of(document)).iter_errors(value)]


@pytest.mark.parametrize("document", SCHEMAS)
def test_each_schema_is_one(document: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", document]) == 0
    printed = json.loads(capsys.readouterr().out)
    Draft202012Validator.check_schema(printed)
    assert printed == schema_of(document) and printed["$schema"] == DIALECT


@pytest.mark.parametrize("path", LOOKS, ids=lambda path: path.parent.name)
def test_every_look_that_is_kept_fits(path: Path) -> None:
    assert refusals("look", look(path)) == []


@pytest.mark.parametrize("path", PROTOCOLS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_protocol_that_is_valid_fits(path: Path) -> None:
    assert refusals("protocol", protocol(path)) == []


def test_an_answer_is_one_of_those_that_there_are() -> None:
    answers = {name: form["enum"] for name, form in _enums(schema_of("look"))}
    assert answers["verdict of look.json of postdose"] == [*Verdict]
    assert answers["verdict of RulePart"] == answers["best_case of RulePart"] == [*RuleVerdict]
    (refusal,) = refusals("look", look(LOOKS[0]) | {"verdict": "ok"})
    assert "'ok' is not one of" in refusal


def _enums(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for part in (schema, *schema["$defs"].values()):
        for name, form in part.get("properties", {}).items():
            if "enum" in form:
                yield f"{name} of {part['title']}", form


def broken(whole: dict[str, Any], places: Iterator[tuple[str, ...]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the document without each key, with each key's value of another type, and with one key too many."""
    for place in places:
        for change in ("missing", "of another type", "misspelt"):
            spoilt = copy.deepcopy(whole)
            holder = spoilt
            for step in place[:-1]:
                holder = holder[step]
            value = holder.pop(place[-1])
            if change == "of another type":
                holder[place[-1]] = 7 if isinstance(value, dict) else {"neither": "nor"}
            if change == "misspelt":
                holder[f"{place[-1]}_"] = value
            yield f"{'.'.join(map(str, place))} {change}", spoilt


def test_a_look_that_is_none_is_refused() -> None:
    whole = look(next(path for path in LOOKS if path.parent.name == "cyt107_1"))
    places = [(name,) for name in whole]
    places += [
        (part, 0, name) for part in ("feeds", "cases", "rules") for name in whole[part][0] if name != "detail"
    ]
    kept = [name for name, spoilt in broken(whole, iter(places)) if not refusals("look", spoilt)]
    # looks that were recorded before these were told have none
    assert kept == ["cannot_show missing", "feeds.0.unused missing", "cases.0.interruptions missing"]


@pytest.mark.parametrize(
    "name",
    [
        "missing_rationale",
        "missing_section",
        "missing_source",
        "missing_study_timezone",
        "null_rate_of_one",
        "cases_not_whole",
        "negative_washout",
        "alpha_of_zero",
    ],
)
def test_a_protocol_whose_sections_are_wrong_is_refused(name: str) -> None:
    assert refusals("protocol", protocol(ROOT / f"tests/fixtures/protocols/{name}.yaml"))


def test_a_key_that_nobody_reads_is_refused() -> None:
    good = protocol(ROOT / "tests/fixtures/protocols/good.yaml")
    assert refusals("protocol", good | {"remark": "nobody reads this"})
    assert refusals("protocol", {**good, "study": {**good["study"], "simulated": "perhaps"}})
