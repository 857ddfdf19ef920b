"""The methods of a timing rule, one a module; a module's name is the method's, as the protocol writes it."""

from collections.abc import Mapping

from checks.rules.methods.method import TimingMethod
from checks.rules.registry import one_a_module

METHODS: Mapping[str, TimingMethod] = {
    name: method()
    for name, method in one_a_module(__name__, __path__, TimingMethod).items()  # type: ignore[type-abstract]  # only its subclasses are made
}
"""Name, as written in a study protocol, to the method."""
