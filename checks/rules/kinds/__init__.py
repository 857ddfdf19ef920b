"""The kinds of stopping rules, one a module; a module's name is the kind's, as the protocol writes it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, TypeAlias, Union

from pydantic import Field

from checks.rules.registry import one_a_module
from checks.rules.rule import Rule

KINDS: Mapping[str, type[Rule]] = one_a_module(__name__, __path__, Rule)  # type: ignore[type-abstract]  # only its subclasses are made
"""Name, as written in a study protocol, to the rule."""

if TYPE_CHECKING:
    AnyRule: TypeAlias = Rule
else:
    AnyRule = Annotated[Union[tuple(KINDS.values())], Field(discriminator="kind")]  # noqa: UP007 - not known before
