"""What strategies say of themselves: docstrings, fields and declarations, in words for their pages."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import sys

from signalhub.domain.instrument import ASSET_CLASSES
from signalhub.domain.timeframe import TIMEFRAMES
from signalhub.strategies.base import Strategy

_COMMON = {
    "stop_atr": "Distance of the stop from entry, in ATR 14.",
    "target_atr": "Distance of the target from entry, in ATR 14.",
    "valid_bars": "Expected bars until the signal is no longer valid.",
    "cooldown_bars": "Bars in which a second proposal of the same direction is suppressed; never under five minutes.",
}


def said_of_itself(strategy: Strategy) -> tuple[str, str, str]:
    """Title, idea in a sentence, and the rest of what its module says."""
    head, rest = inspect.getdoc(sys.modules[type(strategy).__module__]).split("\n\n", 1)  # type: ignore[union-attr]
    title, idea = head.split(": ", 1)
    logic = rest.replace("Logic (long; short mirrors it): ", "For a long (a short mirrors it): ")
    return title, idea[0].upper() + idea[1:], logic


def weights_told(strategy: Strategy) -> dict[str, tuple[float, str]]:
    """Component → its weight and what it measures, as the docstring of `assess` says."""
    lines = re.findall(r"^(\w+) (\d+): (.+)$", inspect.getdoc(strategy.assess) or "", re.MULTILINE)
    return {name: (float(weight), text) for name, weight, text in lines}


def explained(parameters: type) -> dict[str, str]:
    """Field → the text that stands below it, or what the house says of parameters of that name."""
    (body,) = (node.body for node in ast.parse(inspect.getsource(parameters)).body if isinstance(node, ast.ClassDef))
    found = {}
    for field, text in itertools.pairwise([*body, ast.Pass()]):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            own = isinstance(text, ast.Expr) and " ".join(ast.literal_eval(text.value).split())
            found[field.target.id] = own or _COMMON.get(field.target.id, "As above.")
    return found


def steps(key: str) -> str:
    words = {"+1": "the next coarser timeframe", "+2": "the second coarser one", "+3": "the third coarser one"}
    return words.get(key, key)


def listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def codes(strategy: Strategy) -> str:
    is_all = strategy.timeframes == TIMEFRAMES
    return "all, 1m to 1d" if is_all else ", ".join(timeframe.code for timeframe in strategy.timeframes)


def classes(strategy: Strategy) -> str:
    return "all" if strategy.asset_classes == ASSET_CLASSES else ", ".join(strategy.asset_classes)


def kind_of_levels(strategy: Strategy) -> str:
    has_structure = type(strategy).structure is not Strategy.structure
    return "structure" if has_structure else f"{strategy.stop_atr:g} / {strategy.target_atr:g} ATR"
