"""The edge: what all handlers of one process share, made once and handed to them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeAlias

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from signalhub.api.access import Access
from signalhub.api.answers import Answers
from signalhub.api.auth import Doorkeeper
from signalhub.api.counts import Counts
from signalhub.api.feed import Feed
from signalhub.api.listening import Listening
from signalhub.db.engine import Database
from signalhub.settings import Settings


class Edge:
    """The database and what hangs on it: who is asking, what was answered, who is told at once."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self.listening = Listening(database.engine)
        self.doorkeeper = Doorkeeper(database, settings, self.listening)
        self.answers = Answers(self.listening)
        self.feed = Feed(database, self.listening, self.doorkeeper)
        self.counts = Counts()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listens and feeds meanwhile, in this event loop."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.feed.running())
            await stack.enter_async_context(self.listening.running())
            yield


EdgeDependency: TypeAlias = NamedDependency[SkipValidation[Edge]]
AccessDependency: TypeAlias = NamedDependency[SkipValidation[Access]]
