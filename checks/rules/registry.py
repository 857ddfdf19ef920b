"""The registry of what stands one a module in a package: the kinds of rules, the methods of a rule."""

import pkgutil
from collections.abc import Sequence
from importlib import import_module
from typing import TypeVar

Kind = TypeVar("Kind")


def one_a_module(package: str, path: Sequence[str], base: type[Kind]) -> dict[str, type[Kind]]:
    """Return the class of ``base`` that each module of a package holds, by the name of its module.

    A module without one is passed over, as is a class that stands in another module.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(path))
    modules = {name: import_module(f"{package}.{name}") for name in names}
    return {
        name: value
        for name, module in modules.items()
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, base) and value is not base
        if value.__module__ == module.__name__
    }
