"""A loopback exchange that speaks as Binance's spot REST API does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

SPANS = {"1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14400, "1d": 86400}
BORN = 1_600_000_000
"""The exchange's first day in epoch seconds: before it there are no bars."""

# symbol, base, quote, price step, turnover of the last day, status
MARKETS = (
    ("BTCUSDT", "BTC", "USDT", "0.01000000", "900000", "TRADING"),
    ("ETHUSDT", "ETH", "USDT", "0.01000000", "950000", "TRADING"),
    ("PEPEUSDT", "PEPE", "USDT", "0.00000001", "70000", "TRADING"),
    ("ETHBTC", "ETH", "BTC", "0.00001000", "99999999", "TRADING"),
    ("LUNAUSDT", "LUNA", "USDT", "0.00010000", "99999999", "BREAK"),
)


@dataclass
class BinanceDouble:
    """What the double was asked, and how it shall misbehave."""

    url: str = ""
    paths: list[str] = field(default_factory=list)
    kline_queries: list[dict[str, str]] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    """Status codes for the next kline requests, used up one by one."""
    is_silent: bool = False
    """Accepts connections and never answers."""
    is_garbled: bool = False
    """Answers with a web page, as captive portals do."""
    knows_turnover: bool = True
    released: threading.Event = field(default_factory=threading.Event)

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        """Status and body for a request."""
        self.paths.append(path)
        if path == "/api/v3/time":
            return 200, {"serverTime": round(datetime.now(UTC).timestamp() * 1000)}
        if path == "/api/v3/exchangeInfo":
            return 200, {"timezone": "UTC", "serverTime": 0, "symbols": [_market(*row) for row in MARKETS]}
        if path == "/api/v3/ticker/24hr" and self.knows_turnover:
            return 200, [{"symbol": row[0], "quoteVolume": row[4], "lastPrice": "1"} for row in MARKETS]
        if path == "/api/v3/klines":
            self.kline_queries.append(query)
            return (self.failures.pop(0), {"msg": "busy"}) if self.failures else (200, klines(query))
        return 404, {"msg": "no such path"}


def bar(open_seconds: int, span: int) -> list[Any]:
    """The kline at an instant: a pure function of it, so that tests know what to expect."""
    price = 100 + open_seconds // span % 1000
    texts = [f"{value:.2f}" for value in (price, price + 2, price - 1, price + 1)]
    return [
        open_seconds * 1000,
        *texts,
        "3.5",
        open_seconds * 1000 + span * 1000 - 1,
        "350.0",
        9,
        "1",
        "1",
        "0",
    ]


def klines(query: dict[str, str]) -> list[list[Any]]:
    """At most `limit` bars from startTime on, the forming one included, as the venue does it."""
    span, limit = SPANS[query["interval"]], int(query["limit"])
    start = max(int(query["startTime"]) // 1000, BORN)
    first = -(-start // span) * span
    last = datetime.now(UTC).timestamp()
    return [bar(second, span) for second in range(first, first + limit * span, span) if second <= last]


def _market(symbol: str, base: str, quote: str, step: str, _turnover: str, status: str) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "status": status,
        "baseAsset": base,
        "quoteAsset": quote,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]],
        "orderTypes": ["LIMIT", "MARKET"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": step, "maxPrice": "1000000.0", "tickSize": step},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.0", "stepSize": "0.00001"},
        ],
    }


@contextmanager
def serving() -> Iterator[BinanceDouble]:
    """A double on a free loopback port."""
    double = BinanceDouble()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if double.is_silent:
                double.released.wait()
                return
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            status, body = double.answer(parts.path, query)
            payload = b"<html>Sign in</html>" if double.is_garbled else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    double.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield double
    finally:
        double.released.set()
        server.shutdown()
        server.server_close()
