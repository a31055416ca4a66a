"""A delivery worker for the storm: `python -m tests.delivery_worker URL FOLDER`, killed by its parent, or SIGTERM.

Its channels write one line per send to a file that only ever grows: what is in it has left the house.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import ClassVar

from signalhub.channels.base import Channel, Content, Outgoing
from signalhub.channels.deliverer import Deliverer
from signalhub.channels.lane import Pace
from signalhub.db.connection import Connection
from signalhub.db.edition import POSTGRES
from signalhub.db.engine import Database, create_engine
from signalhub.outbox.queue import Claimed
from signalhub.outbox.verdicts import Sent, Verdict
from signalhub.settings import Settings

PACE = Pace(longest_send=0.5, lease=2.0, poll=0.1, tidy=0.2)
"""A short lease, so that what a killed worker held is free again soon."""


class _File(Channel):
    at_once: ClassVar[int] = 8

    def __init__(self, folder: Path) -> None:
        super().__init__(Settings())
        # One write of a short line with O_APPEND is whole, or not there.
        self._file = os.open(folder / self.name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    @classmethod
    def is_configured(cls, settings: Settings) -> bool:
        return settings.home is not None

    async def send(self, message: Outgoing) -> Verdict:
        await asyncio.sleep(0)
        os.write(self._file, f"{message.content.text} {message.key} {os.getpid()}\n".encode())
        await asyncio.sleep(0.005)  # the receiver's answer takes its time: most kills fall in here
        return Sent()

    async def check(self) -> str:
        return "works"


class Keyed(_File):
    name: ClassVar[str] = "email"
    has_keys: ClassVar[bool] = True


class Keyless(_File):
    name: ClassVar[str] = "telegram"
    has_keys: ClassVar[bool] = False


class _Numbers:
    def render(self, connection: Connection, channel: str, message: Claimed) -> Content:
        assert connection.info.dbname
        assert channel == message.channel
        return Content(text=str(message.message_id))


async def work(database: Database, folder: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await Deliverer(database, [Keyed(folder), Keyless(folder)], _Numbers(), PACE).run(stop)


if __name__ == "__main__":
    engine = create_engine(sys.argv[1])
    asyncio.run(work(Database(engine, POSTGRES), Path(sys.argv[2])))
    engine.dispose()
