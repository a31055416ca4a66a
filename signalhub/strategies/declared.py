"""The strategies there are: what the files of this folder declare."""

from __future__ import annotations

from signalhub import plugins
from signalhub.strategies.base import Strategy


def declared() -> list[Strategy]:
    """Every strategy, by name.

    Raises: PluginInvalid when a file declares something that is no strategy.
    """
    found = plugins.declared("signalhub.strategies", "STRATEGY", Strategy).values()
    return sorted(found, key=lambda strategy: strategy.name)
