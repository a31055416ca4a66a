"""What every command shares: settings, the database, strategies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click

from signalhub.db.engine import Database, open_database
from signalhub.errors import UsageInvalid
from signalhub.settings import Settings
from signalhub.strategies.base import Strategy
from signalhub.strategies.declared import declared


@dataclass(frozen=True)
class Context:
    """Handed from the group to its commands."""

    settings: Settings
    debug: bool

    @contextmanager
    def database(self) -> Iterator[Database]:
        """The configured database, ready for use."""
        with open_database(self.settings) as database:
            yield database


pass_context = click.make_pass_decorator(Context)


def strategies(names: tuple[str, ...] = ()) -> list[Strategy]:
    """All strategies, or those named.

    Raises: UsageInvalid, naming those there are.
    """
    found = {item.name: item for item in declared()}
    for name in names:
        if name not in found:
            raise UsageInvalid(f"No strategy is called {name!r}. There are: {', '.join(sorted(found))}.")
    return [found[name] for name in sorted(names or found)]
