"""What the head comments of sql/derived/1_ta say of every function of `ta`, read for the catalogue and the docs.

A comment begins with `-- ta.NAME: what.` and goes on with facts, one a key (`-- Formula: …`, further lines indented by
three blanks); the first comment of a file does the same for its family. `as ta.OTHER` takes the fact from there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from signalhub import resources

_FACTS = ("usage", "formula", "parameters", "warm-up", "bounds", "null", "flat", "ta-lib")
_FAMILY = ("family", "author", "source", "read by", "units")
_COMMENT = re.compile(r"^(?:--.*\n)+", re.MULTILINE)
_KEY = re.compile(r"(?P<keys>[A-Za-z-]+(?:(?: |, )[A-Za-z-]+)*): (?P<value>.*)")
_NAMES = re.compile(r"ta\.\w+(?:, ta\.\w+)*: ")
_AS_OTHER = re.compile(r"as ta\.(\w+)(?:\([^)]*\))?(?P<more>.*)")


@dataclass(frozen=True)
class Family:
    """One file: what its functions have in common; `notes` are what stands below the facts."""

    title: str
    author: str
    source: str
    units: str
    notes: str


@dataclass(frozen=True)
class Head:
    """One function or aggregate; `arguments` as it was created with them; `facts` by key, in small letters."""

    name: str
    what: str
    arguments: tuple[str, ...]
    facts: Mapping[str, str]
    family: Family

    @property
    def is_public(self) -> bool:
        """Whether it is for anybody's table: it says how it is used and goes on from no stored state."""
        return "usage" in self.facts and not self.name.endswith("_state")

    @property
    def title(self) -> str:
        """The first sentence, without what all of them say."""
        sentence = re.split(r"(?<!e\.g)[.;] ", self.what.removesuffix("."))[0].replace(", for any table", "")
        return sentence[0].upper() + sentence[1:]

    @property
    def call(self) -> str:
        """The example of its use, up to the parenthesis that closes it: `ta.sma(close, 20) OVER (…)`."""
        usage = self.facts["usage"]
        begin = usage.index(f"ta.{self.name}(")
        end = _closing(usage, usage.index("(", begin))
        if usage[end:].startswith(" OVER ("):
            end = _closing(usage, end + 6)
        return usage[begin:end]


@cache
def heads() -> tuple[Head, ...]:
    """Every function of `ta`, in the order of the files."""
    found: list[Head] = []
    for path in sorted((resources.folder("sql") / "derived" / "1_ta").glob("*.sql")):
        found += _heads_of(path)
    by_name = {head.name: head for head in reversed(found)}
    return tuple(_resolved(head, by_name) for head in found)


def public() -> tuple[Head, ...]:
    """Those for analysts."""
    return tuple(head for head in heads() if head.is_public)


def written_out(head: Head) -> str:
    """The formula, and those of the functions it leans on that are no part of the public list."""
    by_name = {item.name: item for item in reversed(heads()) if not item.is_public and "formula" in item.facts}
    own = head.facts["formula"].removesuffix(".")
    while own.removeprefix("ta.") in by_name:
        own = by_name[own.removeprefix("ta.")].facts["formula"].removesuffix(".")
    told, inner, waiting = {head.name}, [own], [own]
    while waiting:
        for name in re.findall(r"\bta\.(\w+)", waiting.pop(0)):
            if name in by_name and name not in told:
                told.add(name)
                waiting.append(by_name[name].facts["formula"].removesuffix("."))
                inner.append(f"{name}: {waiting[-1]}")
    return "; ".join(inner)


def _heads_of(path: Path) -> Iterator[Head]:
    text = path.read_text(encoding="utf-8")
    comments = list(_COMMENT.finditer(text))
    _, facts, notes = _parsed(comments[0][0], _FAMILY)
    family = Family(facts["family"].removesuffix("."), facts.get("author", ""), facts.get("source", ""),
                    facts["units"], notes)  # fmt: skip
    for comment in comments[1:]:
        named = _NAMES.match(comment[0].removeprefix("-- "))
        if named:
            what, facts, notes = _parsed(comment[0], _FACTS)
            for name in re.findall(r"ta\.(\w+)", named[0]):
                arguments = _arguments(text[comment.end() :], name)
                yield Head(name, what[named.end() :] + notes, arguments, facts, family)


def _parsed(comment: str, known: tuple[str, ...]) -> tuple[str, dict[str, str], str]:
    """What stands before the first key, the facts by key, and what stands below them."""
    before: list[str] = []
    facts: dict[str, str] = {}
    notes: list[str] = []
    keys: list[str] = []
    for line in comment.splitlines():
        text = line.removeprefix("--")
        match = _KEY.fullmatch(text.strip())
        named = re.split(r", ", match["keys"].lower()) if match else []
        if match and set(named) <= set(known):
            keys = named
            facts |= dict.fromkeys(keys, match["value"])
        elif keys and text.startswith("   "):
            facts |= {key: f"{facts[key]} {text.strip()}" for key in keys}
        else:
            (notes if facts else before).append(text.strip())
            keys = []
    return " ".join(before), facts, " ".join(notes)


def _arguments(text: str, name: str) -> tuple[str, ...]:
    """The arguments of the first statement from here on that creates the function."""
    match = re.search(rf"CREATE OR REPLACE (?:FUNCTION|AGGREGATE) ta\.{name}\(", text)
    assert match, name
    inside = text[match.end() : _closing(text, match.end() - 1) - 1]
    return tuple(" ".join(part.split()) for part in split(inside))


def split(arguments: str) -> list[str]:
    """What stands between the commas that are in no parenthesis."""
    parts, depth = [""], 0
    for letter in arguments:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _closing(text: str, opening: int) -> int:
    """The place after the parenthesis that closes the one at `opening`."""
    depth = 0
    for place in range(opening, len(text)):
        depth += (text[place] == "(") - (text[place] == ")")
        if depth == 0:
            return place + 1
    raise AssertionError(f"a parenthesis that nothing closes: {text[opening:]}")


def _resolved(head: Head, by_name: Mapping[str, Head]) -> Head:
    facts = {key: _fact(head, key, by_name) for key in head.facts}
    return Head(head.name, head.what, head.arguments, facts, head.family)


def _fact(head: Head, key: str, by_name: Mapping[str, Head]) -> str:
    """The fact, from where it is told in full."""
    text = head.facts[key]
    match = _AS_OTHER.fullmatch(text)
    other = by_name.get(match[1]) if match else None
    if match is None or other is None or other is head or key not in other.facts:
        return text
    whole = _fact(other, key, by_name)
    if key == "usage":
        return whole.replace(f"ta.{other.name}(", f"ta.{head.name}(")
    return whole if match["more"] in ("", ".") else whole.removesuffix(".") + match["more"]
