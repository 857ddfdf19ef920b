"""How each refusal of the model is said to the study team: what was found, what is allowed."""

from collections.abc import Iterator, Mapping
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from checks.criteria import KINDS as CRITERION_KINDS
from checks.problems import Place, ProblemAt, RefusedValue, one_of, shown
from checks.protocol.model import CHANNEL_FORMS
from checks.rules import KINDS

SECRET_KEY = "channels"  # noqa: S105 - the key below which an address could have been written
"""Below this key nothing is repeated in a message."""

_ALLOWED: Mapping[str, str] = {
    "missing": "a value: it is required",
    "string_too_short": "text that is not blank",
    "string_type": "text",
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_parsing", "float_type"), "a number, with a decimal point"),
    "finite_number": "a finite number",
    **dict.fromkeys(("bool_parsing", "bool_type"), "true or false"),
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number of at most {le:g}",
    "tuple_type": "a list, such as [a, b]",
    **dict.fromkeys(
        ("mapping_type", "dict_type", "model_type", "model_attributes_type"), "a mapping of keys to values"
    ),
    "string_too_long": "at most {max_length} character",
    "too_short": "at least {min_length} values",
    "too_long": "at most {max_length} values",
    "union_tag_not_found": f"one of {', '.join(KINDS)}",
}
"""pydantic's name for a refusal -> what would have been allowed."""


def _members(annotation: object) -> Iterator[object]:
    """Yield an annotation and all it is made of."""
    yield annotation
    for part in get_args(annotation):
        yield from _members(part)


def _models(annotation: object) -> list[type[BaseModel]]:
    return [part for part in _members(annotation) if isinstance(part, type) and issubclass(part, BaseModel)]


def _keys(model: type[BaseModel]) -> dict[str, object]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _is_of_kind(model: type[BaseModel], kind: str) -> bool:
    return get_args(_keys(model).get("kind")) == (kind,) or getattr(model, "KEY", None) == kind


def _allowed_keys(model: type[BaseModel], location: Place) -> tuple[str, ...]:
    """Return the keys of the model that an error's location leads to."""
    models = [model]
    for step in location[:-1]:
        if any(_is_of_kind(one, str(step)) for one in models):
            models = [one for one in models if _is_of_kind(one, str(step))]
        elif len(models) == 1 and step in _keys(models[0]):
            models = _models(_keys(models[0])[str(step)])
    return tuple(_keys(models[0]))


def _without_kind(location: Place) -> Place:
    """Drop the kind that pydantic puts after the place of a rule or a criterion: it is no key of the file."""
    if location[0] == "rules" and len(location) > 2 and location[2] in KINDS:
        return (*location[:2], *location[3:])
    if location[0] == "case_definition" and len(location) > 5 and location[5] in CRITERION_KINDS:
        return (*location[:5], *location[6:])
    return location


def _allowed(error: ErrorDetails, model: type[BaseModel]) -> str:
    kind, ctx = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _allowed_key(_allowed_keys(model, error["loc"]), error)
    if SECRET_KEY in error["loc"] and kind == "string_type":
        return CHANNEL_FORMS
    if kind == "literal_error":
        return one_of(_words(ctx["expected"]), str(error["input"]))
    if kind == "union_tag_invalid":
        return one_of(tuple(KINDS), str(ctx["tag"]))
    return _ALLOWED[kind].format(**ctx) if kind in _ALLOWED else error["msg"]


def _allowed_key(allowed: tuple[str, ...], error: ErrorDetails) -> str:
    # Between braces a comma begins a key without a value: {at_least: 38,3} and {source: charter, page 4}.
    key = str(error["loc"][-1])
    if error["input"] is None and key.isdigit():
        return "a decimal point, not a comma"
    hint = "; text with a comma needs quotes between braces" if error["input"] is None else ""
    return one_of(allowed, key) + hint


def _words(expected: str) -> list[str]:
    """Return the words of pydantic's list: ``'a', 'b' or 'c'``."""
    return expected.strip("'").replace("' or '", "', '").split("', '")


def _found(error: ErrorDetails, path: Place) -> str:
    kind = error["type"]
    if kind == "missing":
        return "nothing"
    if kind == "extra_forbidden":
        return f"the unknown key {shown(path[-1])}"
    if SECRET_KEY in path:
        return "another form (not repeated here: it may hold a password)"
    if kind.startswith("union_tag"):
        return shown(error.get("ctx", {}).get("tag"))
    return shown(error["input"])


def _explain(error: ErrorDetails, model: type[BaseModel]) -> Iterator[ProblemAt]:
    path = _without_kind(error["loc"])
    if error["type"].startswith("union_tag"):
        path = (*path, "kind")
    if path[-1] == "[key]":
        path = path[:-1]
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, RefusedValue):
        for problem in cause.problems:
            yield ProblemAt((*path, *problem.place), problem.found, problem.allowed)
    else:
        yield ProblemAt(path, _found(error, path), _allowed(error, model))


def explain(refusal: ValidationError, model: type[BaseModel]) -> Iterator[ProblemAt]:
    """Yield a problem for each mistake that a model refused, with its path from the top of the file."""
    for error in refusal.errors(include_url=False):
        yield from _explain(error, model)


def unknown_keys(refusal: ValidationError) -> list[Place]:
    """Return the paths of the keys that no model knows."""
    errors = refusal.errors(include_url=False)
    return [_without_kind(error["loc"]) for error in errors if error["type"] == "extra_forbidden"]
