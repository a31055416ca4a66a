"""The WebSocket /ws/feed: lets clients in and carries what the feed hands them."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any, TypeAlias

from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect

from signalhub.api.access import ANYONE, SUBSCRIBER, Access
from signalhub.api.auth import Doorkeeper, refuse_other_origins
from signalhub.api.edge import Edge
from signalhub.api.feed import NOT_ALLOWED, Client

AnySocket: TypeAlias = WebSocket[Any, Any, Any]
KEY_SECONDS = 5.0
"""How long a client that came without key may take to send {"key": …}."""
_CLOSING_SECONDS = 5.0
_LONGEST_MESSAGE = 1000


@websocket("/ws/feed", opt={"role": ANYONE})
async def live_feed(socket: AnySocket) -> None:
    """Signals as they come, as JSON texts: connected, signal, signal_closed, status, keepalive.

    A key comes in the headers or in a first message {"key": …}; a session's cookie only from pages of this origin.
    Closed with 1008 without a good key, or once it ends; with 1013 when the client is too slow.
    """
    edge: Edge = socket.app.state.edge
    access: Access = socket.scope["user"]
    if access.may(SUBSCRIBER) and (access.key_id is None or access.session is not None):
        refuse_other_origins(socket)
    await socket.accept()
    known = access if access.may(SUBSCRIBER) else await _introduced(socket, edge.doorkeeper)
    if known is None:
        await socket.close(NOT_ALLOWED, 'send a good key, in a header or as {"key": …}')
        return
    client = edge.feed.join(known)
    try:
        await _carry(socket, client)
    finally:
        edge.feed.part(client)


async def _introduced(socket: AnySocket, keeper: Doorkeeper) -> Access | None:
    address = keeper.address(socket)
    try:
        text = await asyncio.wait_for(socket.receive_text(), KEY_SECONDS)
        key = json.loads(text[:_LONGEST_MESSAGE])["key"]
    except (TimeoutError, ValueError, TypeError, KeyError, WebSocketDisconnect):
        return None
    if keeper.failures.look(address).is_refused:
        return None
    access = await keeper.of_key(str(key))
    if access is None:
        keeper.failures.take(address)
    return access


async def _carry(socket: AnySocket, client: Client) -> None:
    tasks = [asyncio.ensure_future(work) for work in (_send(socket, client), _listen(socket))]
    try:
        waited_for: list[asyncio.Future[Any]] = [*tasks, client.ended]
        await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if client.ended.done():
        code, reason = client.ended.result()
        # Not even this reaches a client that reads nothing: the server drops it then.
        with suppress(TimeoutError, WebSocketDisconnect):
            await asyncio.wait_for(socket.close(code, reason), _CLOSING_SECONDS)


async def _send(socket: AnySocket, client: Client) -> None:
    while True:
        await socket.send_text(await client.waiting.get())


async def _listen(socket: AnySocket) -> None:
    """Ends when the client leaves; what it says is not listened to."""
    with suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()
