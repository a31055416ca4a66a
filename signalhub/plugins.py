"""Folder scan that collects what each plug-in module declares.

A plug-in folder is a package whose `base.py` holds the contract; every other module in it declares one
object under the folder's agreed name (`STRATEGY`, `FEED`), or one class (`CHANNEL`).
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import TypeVar

from signalhub.errors import PluginInvalid

T = TypeVar("T")


def declared(package: str, name: str, contract: type[T]) -> dict[str, T]:
    """What the modules of `package` declare as `name`, by module name.

    Raises: PluginInvalid when a module declares something that is not a `contract`.
    """
    return {module: _checked(value, contract, where) for module, value, where in _found(package, name)}


def declared_classes(package: str, name: str, contract: type[T]) -> dict[str, type[T]]:
    """The classes that the modules of `package` declare as `name`, by module name.

    Raises: PluginInvalid when a module declares something that is no complete subclass of `contract`.
    """
    return {module: _checked_class(value, contract, where) for module, value, where in _found(package, name)}


def _found(package: str, name: str) -> Iterator[tuple[str, object, str]]:
    folder = importlib.import_module(package)
    for module_info in sorted(pkgutil.iter_modules(folder.__path__), key=lambda item: item.name):
        module = importlib.import_module(f"{package}.{module_info.name}")
        if hasattr(module, name):
            yield module_info.name, getattr(module, name), f"{module.__name__}.{name}"


def _checked(value: object, contract: type[T], where: str) -> T:
    if not isinstance(value, contract):
        raise PluginInvalid(f"{where} is a {type(value).__name__}, not a {contract.__name__}: see base.py there.")
    return value


def _checked_class(value: object, contract: type[T], where: str) -> type[T]:
    if not (isinstance(value, type) and issubclass(value, contract)):
        raise PluginInvalid(f"{where} is no subclass of {contract.__name__}: see base.py there.")
    if inspect.isabstract(value):
        missing = ", ".join(sorted(getattr(value, "__abstractmethods__", ())))
        raise PluginInvalid(f"{where} lacks {missing}: see base.py there.")
    return value
