"""From a bar's close at the exchange to the stored signal and to the first Telegram request: `signalhub run` as it is.

The floor is the loop that ccxt's rate limiter allows: one candle request per symbol, and nothing else.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import ccxt

from signalhub.db.engine import Database
from tests.acceptance.commands import environment, signalhub
from tests.acceptance.service_stage import SETTINGS, Stage, on_stage
from tests.bench.measure import Latency
from tests.doubles.bot_api import TOKEN, serving_bot
from tests.doubles.exchange_process import running

SYMBOLS = 100
MINUTES = 3

_LATENCIES = """
SELECT
    percentile_cont(0.5) WITHIN GROUP (ORDER BY date_part('epoch', s.recorded_at - s.close_at)),
    percentile_cont(0.99) WITHIN GROUP (ORDER BY date_part('epoch', s.recorded_at - s.close_at)),
    count(*)
FROM engine.signals s WHERE s.origin = 'live' AND s.close_at > %s
"""
_FIRST_SENT = """
SELECT max(took) FROM (
    SELECT min(date_part('epoch', a.finished_at - s.close_at)) AS took
    FROM engine.signals s JOIN outbox.messages m USING (signal_id) JOIN outbox.attempts a USING (message_id)
    WHERE s.close_at > %s AND m.kind = 'alert' GROUP BY s.close_at
) AS first_of_a_close
"""


def measure(database: Database) -> Iterator[Latency]:
    """Latencies over some minutes of wall time."""
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with running("--symbols", SYMBOLS) as exchange, serving_bot() as bot, tempfile.TemporaryDirectory() as home:
        floor = _floor(exchange.url)
        settings = {**SETTINGS, "SIGNALHUB_TOP": str(SYMBOLS), "SIGNALHUB_TELEGRAM_URL": bot.url}
        env = environment(Path(home), url, SIGNALHUB_VENUE_URL=exchange.url, SIGNALHUB_TELEGRAM_TOKEN=TOKEN, **settings)
        added = signalhub(env, "subscribers", "add", "anna", "--telegram", "4711", "--all-strategies")
        assert added.returncode == 0, added.stderr
        with on_stage(env, url, Path(home) / "service.log") as stage:
            stage.start()
            begun = _warm(stage)
            time.sleep(60 * MINUTES)
            assert stage.stop() == 0
        with database.transaction() as connection:
            row = connection.execute(_LATENCIES, (begun,)).fetchone()
            sent = connection.execute(_FIRST_SENT, (begun,)).fetchone()
    assert row is not None
    assert sent is not None
    note = f"{row[2]} signals of {SYMBOLS} symbols in {MINUTES} min"
    yield Latency("close to signal, median", database.edition, 1000 * row[0], 1000 * floor, note)
    yield Latency("close to signal, p99", database.edition, 1000 * row[1], 1000 * floor, note)
    yield Latency("close to first Telegram answer, worst close", database.edition, 1000 * sent[0], 1000 * floor)


def _floor(url: str) -> float:
    """Seconds for one candle request per symbol, as quick as the library's rate limiter lets them through."""
    options = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}
    exchange = ccxt.binance({"enableRateLimit": True, "options": options})
    exchange.urls["api"] = {
        key: url + "/" + address.split("/", 3)[3] if isinstance(address, str) else address
        for key, address in exchange.urls["api"].items()
    }
    symbols = list(exchange.load_markets())[:SYMBOLS]
    started = time.perf_counter()
    for symbol in symbols:
        exchange.fetch_ohlcv(symbol, "1m", limit=2)
    return time.perf_counter() - started


def _warm(stage: Stage) -> datetime:
    """The first full minute after all symbols have their history and a live close was evaluated."""
    live = "SELECT count(*) FROM engine.evaluations WHERE origin = 'live' AND instruments_seen >= " + str(SYMBOLS // 2)
    stage.wait(lambda: stage.one(live) > 0, "no live close was evaluated", 300)
    return datetime.now(UTC)
