"""JSON Schemas (draft 2020-12) of what other programs read and write: a look, a study protocol, an alert."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import TypedDictSchema

from checks.looks import LookDocument
from checks.protocol import StudyProtocol
from flows.pages.message.payload import Alert, BriefAlert, OnCallEvent

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, object]
"""A schema as JSON holds it."""


class _Closed(GenerateJsonSchema):
    """Refuses keys that a document does not name; leaves out a default that JSON cannot hold."""

    ignored_warning_kinds = {"non-serializable-default", "skipped-choice"}  # noqa: RUF012 - as pydantic has it

    def typed_dict_schema(self, schema: TypedDictSchema) -> JsonSchemaValue:
        """Return the schema of a document of ours, to which nothing may be added."""
        return {"additionalProperties": False, **super().typed_dict_schema(schema)}


SCHEMAS: Final[Mapping[str, tuple[str, TypeAdapter[Any]]]] = {
    "look": ("look.json of postdose", TypeAdapter(LookDocument)),
    "protocol": ("Study protocol file of postdose", TypeAdapter(StudyProtocol)),
    "alert": ("Alert of postdose", TypeAdapter(Alert | BriefAlert | OnCallEvent)),
}
"""What each document is called, and its type."""


def schema_of(document: str) -> Schema:
    """Return the schema of ``look``, ``protocol`` or ``alert``."""
    title, described = SCHEMAS[document]
    made = described.json_schema(by_alias=True, schema_generator=_Closed)
    return {"$schema": DIALECT, **made, "title": title}
