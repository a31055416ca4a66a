"""Folder scan that collects what each plug-in module declares.

A plug-in folder is a package whose `base.py` holds the contract; every other module in it declares one
object under the folder's agreed name (`STRATEGY`, `FEED`).
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TypeVar

from signalhub.errors import PluginInvalid

T = TypeVar("T")


def declared(package: str, name: str, contract: type[T]) -> dict[str, T]:
    """What the modules of `package` declare as `name`, by module name.

    Raises: PluginInvalid when a module declares something that is not a `contract`.
    """
    found: dict[str, T] = {}
    folder = importlib.import_module(package)
    for module_info in sorted(pkgutil.iter_modules(folder.__path__), key=lambda item: item.name):
        module = importlib.import_module(f"{package}.{module_info.name}")
        if not hasattr(module, name):
            continue
        found[module_info.name] = _checked(getattr(module, name), contract, f"{module.__name__}.{name}")
    return found


def _checked(value: object, contract: type[T], where: str) -> T:
    if not isinstance(value, contract):
        raise PluginInvalid(f"{where} is a {type(value).__name__}, not a {contract.__name__}: see base.py there.")
    return value
