"""SVG as text: elements with escaped words and short numbers. No inline styles: the page's policy refuses them."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def element(name: str, *children: str, **attributes: object) -> str:
    """`<name …>children</name>`; children are SVG already. `class_` is class, other underscores are hyphens."""
    written = "".join(f' {_name(key)}="{_value(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>{''.join(children)}</{name}>" if children else f"<{name}{written}/>"


def words(text: str) -> str:
    """Text that may stand between tags, whatever is in it."""
    return escape("".join(letter for letter in text if letter.isprintable()))


def number(value: float) -> str:
    """At most two decimals: a hundredth of a pixel is enough."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def path(parts: Iterable[tuple[str, float, float]]) -> str:
    """The `d` of a path of absolute commands with two numbers each."""
    return "".join(f"{command}{number(x)} {number(y)}" for command, x, y in parts)


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: object) -> str:
    return number(value) if isinstance(value, float) else words(str(value))
