"""Remake: a signal made once more from its stored inputs alone, by the code that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from signalhub.domain import timeframe as timeframes
from signalhub.signals.inputs import candidate_of, tick_of
from signalhub.signals.judge import HeldBack, Terms, judge
from signalhub.strategies.base import Strategy

_ANY_SCORE = Terms(min_score=Decimal(0))
"""Inputs that are older than their settings: what was stored had passed the threshold of its day."""
_OF_OLDER = ("entry", "stop", "target", "score", "components", "reason")
"""The columns that such a signal has."""


def strategy_of(inputs: Mapping[str, Any], known: Mapping[str, Strategy]) -> Strategy | None:
    """The strategy with the parameters that inputs tell; None where its code is not the code of that version."""
    found = known.get(inputs["strategy"])
    if found is None or found.version == inputs["version"]:
        return found
    if not is_dataclass(found.parameters):
        return None
    try:
        parameters = replace(found.parameters, **inputs["parameters"])  # type: ignore[type-var]
        made = type(found)(parameters=parameters)  # type: ignore[call-arg]
    except TypeError:
        # Parameters by other names: the code is another one, whatever its code_version says.
        return None
    return made if made.version == inputs["version"] else None


def told(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a signal that its inputs tell as they are."""
    close_at = datetime.fromisoformat(inputs["close_at"])
    span: timedelta = timeframes.parse(inputs["timeframe"]).span
    same = ("strategy", "version", "venue", "symbol", "timeframe", "direction")
    return {**{name: inputs[name] for name in same}, "open_at": close_at - span, "close_at": close_at}


def remade(strategy: Strategy, inputs: Mapping[str, Any]) -> dict[str, Any] | None:
    """The columns of a signal that are a function of its inputs; None where they give no signal."""
    terms = Terms.told(inputs["settings"]) if inputs.get("settings") else _ANY_SCORE
    found = judge(strategy, candidate_of(inputs), tick_of(inputs), terms)
    if isinstance(found, HeldBack):
        return None
    columns = found.columns
    return columns if inputs.get("settings") else {name: columns[name] for name in _OF_OLDER}
