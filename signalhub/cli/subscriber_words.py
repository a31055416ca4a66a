"""How the command line spells what can be set about a subscriber: `min-score=60` is min_score 60."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from signalhub.errors import UsageInvalid
from signalhub.settings import Settings
from signalhub.subscribers import addresses, preferences, values

_SHORT = {"telegram": "telegram_chat_id", "webhook": "webhook_url", "active": "is_active"}
ABOUT = addresses.fields(Settings())
"""What spelling needs of them does not depend on the settings."""
_ALL = {**ABOUT, **preferences.FIELDS}


def shown(name: str) -> str:
    """A field as it is typed: `telegram_chat_id` → `telegram`, `min_score` → `min-score`."""
    return {field: short for short, field in _SHORT.items()}.get(name, values.spelled(name))


_BY_WORD = {shown(name): name for name in _ALL}


def pairs(changes: Sequence[str]) -> dict[str, str]:
    """`key=value` words, by field name.

    Raises: UsageInvalid for words that are none, for unknown keys and for keys given twice.
    """
    found: dict[str, str] = {}
    for change in changes:
        key, equals, words = change.partition("=")
        if not equals:
            raise UsageInvalid(f"{change[:80]!r} is not KEY=VALUE.")
        if key not in _BY_WORD:
            raise UsageInvalid(f"{key[:80]!r} cannot be set. Known: {', '.join(_BY_WORD)}.")
        if _BY_WORD[key] in found:
            raise UsageInvalid(f"{key} is given twice.")
        found[_BY_WORD[key]] = words
    return found


def sorted_out(words: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """JSON values of what is typed: about the subscriber, and of preferences. Keys are field names or short ones."""
    given = {_SHORT.get(name, name): text for name, text in words.items()}
    read = {name: values.from_words(_ALL, name, text) for name, text in given.items()}
    about = {name: value for name, value in read.items() if name in ABOUT}
    return about, {name: value for name, value in read.items() if name not in ABOUT}
