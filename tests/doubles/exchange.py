"""A loopback exchange that speaks as Binance's spot REST API does, on a clock of yours, and misbehaves on script.

In a test: `with serving() as exchange: …`. As a process of its own, for tests that kill others:
`python -m tests.doubles.exchange --port 0 --symbols 100` prints its port; `Remote(url)` scripts it from there.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.exchange_market import MARKETS, SPANS, Listed, Tape, market_info
from tests.doubles.exchange_server import Handler, Server

KLINES, INFO, TICKERS, TIME = "/api/v3/klines", "/api/v3/exchangeInfo", "/api/v3/ticker/24hr", "/api/v3/time"
_MOST = 1000


@dataclass(frozen=True)
class Trouble:
    """How one request goes wrong: an HTTP status, or else the kind of mishap on the way."""

    kind: str = "status"
    """`status`; `reset` (the connection breaks), `garbage` (a web page, as captive portals give), `cut` (half a body),
    `hang` (no answer, until the exchange is closed), `trickle` (a byte now and then, for ever)."""
    status: int = 200
    retry_after: float | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What goes with the status."""
        return {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:g}"}


def refusal(status: int, retry_after: float | None = None) -> Trouble:
    """An answer of this status instead of data."""
    return Trouble("status", status, retry_after)


RESET, GARBAGE, CUT, HANG, TRICKLE = (Trouble(kind) for kind in ("reset", "garbage", "cut", "hang", "trickle"))


@dataclass
class Exchange:
    """What it trades, what it was asked, and how it shall misbehave."""

    markets: tuple[Listed, ...] = MARKETS
    tape: Tape = field(default_factory=Tape)
    clock: Callable[[], float] = time.time
    """Epoch seconds; the Date of its answers is by this clock too."""
    delay_seconds: float = 0.0
    """How long after a close the bar is not there yet, nor a newer one."""
    shows_stale: bool = False
    """Within the delay the bar is there, but as it stood ten seconds before its close."""
    page_bars: int = _MOST
    """What it gives at most, whatever the limit asked for."""
    style: str = "binance"
    """`binance`: from startTime on; `windowed`: none after startTime + limit bars; `newest`: the newest of the span
    first; `recent`: always its newest, whatever was asked; `stuck`: always its first."""
    url: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    troubles: dict[str, deque[Trouble]] = field(default_factory=dict)
    """Path, or path?SYMBOL, → what goes wrong with the next requests, used up one by one."""
    lasting: dict[str, Trouble] = field(default_factory=dict)
    """Path, or path?SYMBOL, → what goes wrong with every request."""
    closed: threading.Event = field(default_factory=threading.Event)

    def script(self, path: str, *troubles: Trouble, symbol: str = "") -> None:
        """What goes wrong with the next requests of a path, or of one market on it."""
        self.troubles.setdefault(_key(path, symbol), deque()).extend(troubles)

    def always(self, path: str, trouble: Trouble | None, symbol: str = "") -> None:
        """What goes wrong with every request of a path from now on; None: nothing any more."""
        self.lasting.pop(_key(path, symbol), None)
        if trouble:
            self.lasting[_key(path, symbol)] = trouble

    @property
    def kline_queries(self) -> list[dict[str, str]]:
        """What was asked for bars."""
        return [query for path, query in self.asked if path == KLINES]

    def trouble(self, path: str, query: dict[str, str]) -> Trouble | None:
        """What goes wrong with a request that just came in."""
        self.asked.append((path, query))
        for key in (_key(path, query.get("symbol", "")), path):
            if self.troubles.get(key):
                return self.troubles[key].popleft()
            if key in self.lasting:
                return self.lasting[key]
        return None

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        """Status and body of a request with which nothing goes wrong."""
        answers: dict[str, Callable[[], Any]] = {
            TIME: lambda: {"serverTime": round(self.clock() * 1000)},
            INFO: lambda: {"timezone": "UTC", "serverTime": 0, "symbols": [market_info(item) for item in self.markets]},
            TICKERS: lambda: [
                {"symbol": item.id, "quoteVolume": item.turnover, "lastPrice": "1"} for item in self.markets
            ],
        }
        if path in answers:
            return 200, answers[path]()
        market = next((item for item in self.markets if item.id == query.get("symbol")), None)
        if path != KLINES:
            return 404, {"msg": "no such path"}
        return (200, self.klines(market, query)) if market else (400, {"code": -1121, "msg": "Invalid symbol."})

    def klines(self, market: Listed, query: dict[str, str]) -> list[list[Any]]:
        """Bars as the venue gives them, the forming one included."""
        span, now = SPANS[query["interval"]], self.clock()
        limit = min(int(query.get("limit", 500)), self.page_bars)
        start = int(query.get("startTime", 0)) // 1000
        end = int(query["endTime"]) // 1000 if "endTime" in query else 2**40
        first, newest = max(start, market.born), self._newest_open(span, now)
        if self.style == "windowed":
            end = min(end, start + limit * span - 1)
        if self.style in ("recent", "stuck"):
            first, end = market.born, newest
        first, end = -(-first // span) * span, min(end, newest)
        if self.style in ("newest", "recent"):
            first = max(first, end // span * span - (limit - 1) * span)
        opens = (second for second in range(first, end + 1, span) if market.trades(second, span))
        return [self.candle(market, second, span) for second, _ in zip(opens, range(limit), strict=False)]

    def candle(self, market: Listed, open_second: int, span: int) -> list[Any]:
        """A bar as it stands now."""
        now = self.clock()
        is_stale = self._is_delayed(span, now) and open_second + span == now // span * span
        return self.tape.candle(market, open_second, span, open_second + span - 10 if is_stale else now)

    def _newest_open(self, span: int, now: float) -> int:
        """The forming bar's open; within the delay that of the last bar shown."""
        hidden = (1 if self.shows_stale else 2) if self._is_delayed(span, now) else 0
        return int(now // span - hidden) * span

    def _is_delayed(self, span: int, now: float) -> bool:
        return now % span < self.delay_seconds


def _key(path: str, symbol: str) -> str:
    return f"{path}?{symbol}" if symbol else path


@contextmanager
def serving(exchange: Exchange | None = None, port: int = 0) -> Iterator[Exchange]:
    """An exchange on a free loopback port."""
    exchange = exchange or Exchange()
    server = Server(("127.0.0.1", port), Handler)
    server.exchange = exchange
    exchange.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield exchange
    finally:
        exchange.closed.set()
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    from tests.doubles.exchange_process import main

    main()
