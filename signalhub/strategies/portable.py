"""Which strategies can be sent to another process."""

from __future__ import annotations

import pickle

from signalhub.strategies.base import Strategy


def is_portable(strategy: Strategy) -> bool:
    """Whether another process can be handed it: it holds nothing but its parameters, or what can be sent as well."""
    try:
        pickle.dumps(strategy)
    except Exception:  # whatever it is made of says so in a way of its own
        return False
    return True
