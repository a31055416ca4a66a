"""The formulas of the ta.…_step functions, so that a state is computed without calling them: the call costs more.

Only a function whose whole body is one RETURN can be written out; the others are called.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from signalhub import resources
from signalhub.indicators import heads

_FUNCTION = re.compile(
    r"CREATE OR REPLACE FUNCTION ta\.(\w+_step)\(\s*(.*?)\s*\) RETURNS \S+\nLANGUAGE plpgsql[^\n]*\n"
    r"AS \$\$\nBEGIN\n    RETURN (.*?);\nEND\n\$\$;",
    re.DOTALL,
)
_CALL = re.compile(r"^ta\.(\w+_step)\((.*)\)$")
_NAME = re.compile(r"^[a-z_]\w*$")
_CHEAP = re.compile(r"^(?:[\w.]+(?:::\w+)?|n - \d+)$")


@dataclass(frozen=True)
class _Formula:
    parameters: tuple[tuple[str, str], ...]
    body: str

    def uses(self, parameter: str) -> int:
        return len(re.findall(rf"\b{parameter}\b", self.body))


@cache
def _formulas() -> dict[str, _Formula]:
    found = {}
    for path in sorted((resources.folder("sql") / "derived" / "1_ta").glob("*.sql")):
        for part in path.read_text(encoding="utf-8").split("\nCREATE OR REPLACE ")[1:]:
            if match := _FUNCTION.match("CREATE OR REPLACE " + part):
                words = [parameter.split() for parameter in match[2].split(",")]
                found[match[1]] = _Formula(tuple((word[0], word[1]) for word in words), " ".join(match[3].split()))
    return found


def written_out(call: str, named: Callable[[str, str], str]) -> str:
    """A call of a step function as its formula, with the arguments in place of the parameters.

    `named`: called with the type and text of an argument that is used more than once and is not cheap; gives the name
    of a variable that holds it.
    """
    match = _CALL.match(call)
    assert match, call
    arguments = heads.split(match[2])
    formula = _formulas().get(match[1])
    if formula is None:
        return call
    missing = ["NULL"] * (len(formula.parameters) - len(arguments))
    given = {}
    for (parameter, kind), argument in zip(formula.parameters, [*arguments, *missing], strict=True):
        is_costly = not _CHEAP.match(argument) and formula.uses(parameter) > 1
        text = named(kind, argument) if is_costly else argument
        given[parameter] = text if _NAME.match(text) and text != "NULL" else f"(({text})::{kind})"
    return re.sub(rf"\b({'|'.join(given)})\b", lambda word: given[word[1]], formula.body)
