"""A rule kind, and a timing method, is one module of its package, under the module's own name."""

from pathlib import Path
from typing import get_args

import pytest
from pydantic import TypeAdapter

from checks.rules import KINDS, AnyRule, kinds, methods
from checks.rules.kinds.count import CountRule
from checks.rules.methods import METHODS
from checks.rules.methods.method import TimingMethod
from checks.rules.registry import one_a_module
from checks.rules.rule import Rule


def modules(package):
    return {path.stem for path in Path(package.__file__).parent.glob("*.py")} - {"__init__", "method"}


def test_every_module_is_a_kind_or_a_method_under_its_own_name():
    assert KINDS.keys() == modules(kinds)
    assert METHODS.keys() == modules(methods)


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_what_its_module_is_called(name):
    assert get_args(KINDS[name].model_fields["kind"].annotation) == (name,)


def test_the_protocol_reads_a_rule_by_its_kind():
    rule = {"id": "three", "kind": "count", "cases": "3", "rationale": "an example", "source": "no charter"}
    assert isinstance(TypeAdapter(AnyRule).validate_python(rule), CountRule)


def test_a_module_that_was_added_is_found(tmp_path, monkeypatch):
    package = tmp_path / "added_kinds"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "share.py").write_text(
        "from checks.rules.kinds.count import CountRule\n\n\nclass ShareRule(CountRule):\n    pass\n"
    )
    (package / "nothing.py").write_text("from checks.rules.rule import Rule\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = one_a_module("added_kinds", [str(package)], Rule)
    assert {name: rule.__name__ for name, rule in found.items()} == {"share": "ShareRule"}
    assert one_a_module("added_kinds", [str(package)], TimingMethod) == {}
