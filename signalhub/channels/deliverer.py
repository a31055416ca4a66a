"""The deliverer: lanes side by side, woken by the bell, stopped together."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

from signalhub import clock
from signalhub.channels import bell
from signalhub.channels.base import Channel
from signalhub.channels.desk import Renderer
from signalhub.channels.lane import Lane, Pace
from signalhub.db.engine import Database


class Deliverer:
    """Lanes side by side. Made and used in one event loop; closes the channels when it is done."""

    def __init__(
        self,
        database: Database,
        channels: Sequence[Channel],
        renderer: Renderer,
        pace: Pace = Pace(),
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._database, self._channels = database, channels
        self._lanes = [Lane(database, channel, renderer, pace, now) for channel in channels]

    async def run(self, stop: asyncio.Event) -> None:
        """Delivers until `stop` is set."""
        listening = asyncio.create_task(bell.listen(self._database, self._ring))
        lanes = [asyncio.create_task(lane.run()) for lane in self._lanes]
        try:
            await stop.wait()
        finally:
            listening.cancel()
            for lane in self._lanes:
                lane.stop()
            await asyncio.gather(*lanes)
            await self._close()

    async def drain(self) -> Counter[str]:
        """Delivers what is due; how many messages ended how.

        Raises: what the database raises.
        """
        try:
            await asyncio.gather(*(lane.drain() for lane in self._lanes))
        finally:
            await self._close()
        return sum((lane.tally for lane in self._lanes), Counter())

    def _ring(self) -> None:
        for lane in self._lanes:
            lane.wake()

    async def _close(self) -> None:
        for channel in self._channels:
            await channel.close()
