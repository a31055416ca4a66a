"""The lane of one channel: claim, send so many at once, settle, again; no lane waits for another.

Messages are claimed while others are under way, and verdicts are settled as many at once as have come in meanwhile:
a receiver that hangs takes one slot, not the lane.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from signalhub.channels.base import Channel
from signalhub.channels.desk import GONE, Desk, Finished, Ready, Renderer, Taken
from signalhub.db.engine import Database
from signalhub.outbox.queue import Claimed
from signalhub.outbox.verdicts import PutOff, RetryAt, Uncertain, Verdict

HELD_PER_SLOT = 2
"""Claimed messages per slot: while one is sent the next is ready."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """The times of a lane, in seconds.

    A message waits for at most one send before its own (HELD_PER_SLOT), and a send that takes longer than
    `longest_send` is broken off: two of them end well before `lease` does, and leave the rest for settling. So leases
    need no renewal, and what a killed worker held is free again after `lease`. Should a lease end all the same (the
    database was away), a message not yet sent is left alone, and a verdict counts unless somebody else has claimed
    the message.
    """

    longest_send: float = 25.0
    lease: float = 75.0
    poll: float = 1.0
    tidy: float = 5.0
    patience: float = 1.0
    last_words: float = 10.0


class Lane:
    """One channel's loop. Made and used in one event loop."""

    def __init__(
        self, database: Database, channel: Channel, renderer: Renderer, pace: Pace, now: Callable[[], datetime]
    ) -> None:
        self.tally: Counter[str] = Counter()
        self._channel, self._pace, self._now = channel, pace, now
        self._desk = Desk(database, channel.name, renderer, timedelta(seconds=pace.lease))
        self._slots = asyncio.Semaphore(channel.at_once)
        self._finished: asyncio.Queue[Finished] = asyncio.Queue()
        self._held: set[int] = set()
        self._sending: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._stops = False
        self._tidied_at = float("-inf")

    def wake(self) -> None:
        """There may be something to send."""
        self._woken.set()

    def stop(self) -> None:
        """Nothing new is begun; what is under way is finished and settled."""
        self._stops = True
        self._woken.set()

    async def run(self) -> None:
        """Delivers until `stop`; a database that goes away is waited for."""
        settler = asyncio.create_task(self._settle_for_ever())
        try:
            while not self._stops:
                await self._once()
        finally:
            await self._finish()
            settler.cancel()

    async def drain(self) -> None:
        """Delivers what is due, and ends when nothing is left.

        Raises: what the database raises.
        """
        settler = asyncio.create_task(self._settle_for_ever())
        try:
            is_busy = True
            while is_busy:
                self._woken.clear()
                was_held = bool(self._held)
                is_busy = bool(await self._round()) or was_held
                if self._held:
                    await self._rest(self._pace.poll)
        finally:
            await self._finish()
            settler.cancel()

    async def _once(self) -> None:
        self._woken.clear()
        try:
            if not await self._round():
                await self._rest(await self._idle_time())
        except GONE as error:
            _log.warning("The database does not answer (%s); %s waits.", type(error).__name__, self._channel.name)
            await self._rest(self._pace.patience)
        except Exception:
            _log.exception("Delivery by %s stumbled and goes on.", self._channel.name)
            await self._rest(self._pace.patience)

    async def _round(self) -> int:
        """Claims as many messages as there is room for, and begins to send them; how many."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._tidied_at >= self._pace.tidy:
            await asyncio.to_thread(self._desk.tidy, self._now())
            self._tidied_at = loop.time()
        room = self._channel.at_once * HELD_PER_SLOT - len(self._held)
        if room < self._channel.at_once:  # half of it at least: claiming one by one costs as much as ten
            return 0
        taken = await asyncio.to_thread(self._desk.take, room, self._now())
        self._start(taken)
        return len(taken)

    def _start(self, taken: Taken) -> None:
        self.tally["withheld"] += len(taken.silent)
        for finished in taken.finished:
            self._held.add(finished[0].message_id)
            self._finished.put_nowait(finished)
        for ready in taken.ready:
            self._held.add(ready.message.message_id)
            task = asyncio.create_task(self._send(ready))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _send(self, ready: Ready) -> None:
        async with self._slots:
            verdict = None if self._stops else await self._in_turn(ready)
        self._finished.put_nowait((ready.message, verdict))

    async def _in_turn(self, ready: Ready) -> Verdict | PutOff | None:
        """The verdict; None where it was not tried."""
        put_off = await self._channel.turn(ready.outgoing())
        if put_off is not None:
            return put_off
        return await self._try(ready) if not self._stops and await self._may_send(ready.message) else None

    async def _may_send(self, message: Claimed) -> bool:
        if self._channel.has_keys:
            return self._now() < message.leased_until
        try:
            return await asyncio.to_thread(self._desk.begin, message, self._now())
        except Exception as error:
            # Nothing left the house: it is given back, whether or not the database has heard of the beginning.
            _log.warning("Message %s was not begun: %s", message.message_id, type(error).__name__)
            return False

    async def _try(self, ready: Ready) -> Verdict:
        try:
            return await asyncio.wait_for(self._channel.send(ready.outgoing()), self._pace.longest_send)
        except TimeoutError:
            return self._unanswered(f"no answer in {self._pace.longest_send:g} s")
        except Exception as error:
            _log.exception("The channel %s did not keep its contract.", self._channel.name)
            return self._unanswered(f"the channel failed: {type(error).__name__}")

    def _unanswered(self, detail: str) -> Verdict:
        return RetryAt(detail) if self._channel.has_keys else Uncertain(detail)

    async def _settle_for_ever(self) -> None:
        while True:
            batch = [await self._finished.get()]
            while not self._finished.empty():
                batch.append(self._finished.get_nowait())
            await self._settle(batch)
            for message, verdict in batch:
                self._held.discard(message.message_id)
                self.tally[type(verdict).__name__ if verdict else "given back"] += 1
                self._finished.task_done()
            self._woken.set()

    async def _settle(self, batch: list[Finished]) -> None:
        while True:
            try:
                await asyncio.to_thread(self._desk.settle, batch, self._now())
                return
            except GONE:
                await asyncio.sleep(self._pace.patience)
            except Exception:
                _log.exception("%s verdicts of %s are refused.", len(batch), self._channel.name)
                break
        # One verdict the database refuses must not take the others with it; its lease ends in its own time.
        for finished in batch if len(batch) > 1 else ():
            await self._settle([finished])

    async def _idle_time(self) -> float:
        due_at = await asyncio.to_thread(self._desk.next_due, self._now())
        if due_at is None:
            return self._pace.poll
        return min(self._pace.poll, max(0.0, (due_at - self._now()).total_seconds()))

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._woken.wait(), seconds)
        except TimeoutError:
            return

    async def _finish(self) -> None:
        if self._sending:
            await asyncio.wait(self._sending)
        try:
            await asyncio.wait_for(self._finished.join(), self._pace.last_words)
        except TimeoutError:
            _log.warning("%s verdicts of %s were not settled.", len(self._held), self._channel.name)
