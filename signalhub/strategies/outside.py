"""A strategy in a file of somebody's own, outside the package."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from signalhub.errors import PluginInvalid
from signalhub.strategies.base import Strategy


def read(path: Path) -> Strategy:
    """What the file declares as STRATEGY.

    Raises: PluginInvalid, naming the file, what is wrong with it and what to do.
    """
    if path.suffix != ".py" or not path.is_file():
        raise PluginInvalid(f"{path} is no Python file. Give the file that declares STRATEGY.")
    name = f"signalhub_outside_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look for the module of their annotations there.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise PluginInvalid(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    declared = getattr(module, "STRATEGY", None)
    if not isinstance(declared, Strategy):
        raise PluginInvalid(f"{path} declares no STRATEGY, an instance of a subclass of Strategy: see base.py.")
    return declared
