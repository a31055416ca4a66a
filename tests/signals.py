"""Hand-made signals and the bars their outcomes hang on, on one connection in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from signalhub.bars import ingest, instruments
from signalhub.db.connection import Connection
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import M1, Timeframe
from tests.market import HISTORY, NEXT_YEAR, bar, frame, rows_of

OUTCOME = (
    "o.status, o.tracked_through, o.fill_at, o.fill_price, o.exit_at, o.exit_price, o.is_ambiguous, "
    "o.gross_return_pct, o.net_return_pct, o.r_multiple, o.net_r, o.mfe_r, o.mae_r"
)


@dataclass(frozen=True)
class OHLC:
    """One bar by its open's instant, four prices and its length."""

    open_at: datetime
    open: float
    high: float
    low: float
    close: float
    span: timedelta = M1.span

    @property
    def close_at(self) -> datetime:
        return self.open_at + self.span


def add_instrument(connection: Connection, symbol: str = "BTC/USDT") -> int:
    """An instrument that trades around the clock."""
    spec = InstrumentSpec(symbol, "test", "crypto")
    return instruments.register(connection, spec, HISTORY.name, is_live=False, now=NEXT_YEAR)


def put_bars(
    connection: Connection,
    instrument_id: int,
    bars: Iterable[OHLC],
    timeframe: Timeframe = M1,
    now: datetime = NEXT_YEAR,
) -> None:
    """Ingests bars of one instrument."""
    made = [bar(instrument_id, one.open_at, open=one.open, high=one.high, low=one.low, close=one.close) for one in bars]
    ingest.ingest(connection, timeframe, frame(made), HISTORY, now)


def settle(connection: Connection, instrument_id: int, through: datetime, timeframe: Timeframe = M1) -> None:
    """Everything up to the instant was obtained."""
    ingest.settle(connection, timeframe, {instrument_id: through})


@dataclass(frozen=True)
class Plan:
    """What a signal proposes, by hand."""

    direction: str
    close_at: datetime
    valid_until: datetime
    entry: float
    stop: float
    target: float
    timeframe: str = "1m"


def add_signal(connection: Connection, instrument_id: int, plan: Plan) -> int:
    """Stores a signal with its open outcome, as signals/store.py does; its id."""
    connection.execute(
        "INSERT INTO engine.strategies (strategy, version, parameters, created_at) "
        "VALUES ('by_hand', '1', '{}', '2024-03-01 00:00:00+00') ON CONFLICT DO NOTHING"
    )
    row = connection.execute(
        "INSERT INTO engine.signals (origin, strategy_id, instrument_id, timeframe, open_at, close_at, direction, "
        "entry, stop, target, score, components, reason, valid_until, input_hash, recorded_at) "
        "SELECT 'replay', v.strategy_id, %s, t.timeframe, %s::timestamptz - t.span, %s, %s, %s, %s, %s, 50, '{}', "
        "'by hand', %s, repeat('0', 64), %s FROM engine.strategies AS v CROSS JOIN market.timeframes AS t "
        "WHERE v.strategy = 'by_hand' AND t.timeframe = %s RETURNING signal_id",
        (
            *(instrument_id, plan.close_at, plan.close_at, plan.direction),
            *(Decimal(str(plan.entry)), Decimal(str(plan.stop)), Decimal(str(plan.target))),
            *(plan.valid_until, plan.valid_until, plan.timeframe),
        ),
    ).fetchone()
    assert row is not None
    identifier: int = row[0]
    connection.execute(
        "INSERT INTO engine.outcomes (signal_id, tracked_through) VALUES (%s, %s)", (identifier, plan.close_at)
    )
    return identifier


def outcomes_of(connection: Connection) -> dict[int, dict[str, Any]]:
    """Every outcome by its signal."""
    stored = rows_of(connection, f"SELECT o.signal_id, {OUTCOME} FROM engine.outcomes AS o ORDER BY o.signal_id")
    return {row.pop("signal_id"): row for row in stored}
