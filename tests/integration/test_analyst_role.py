"""The role signalhub_analyst reads the public interface as the page says, and gets at nothing else."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from tests import records, signals
from tests.market import MONDAY, NEXT_YEAR
from tests.records import CLOSE, closed
from tests.signals import OHLC

_VERSION = """
INSERT INTO market.bar_revisions (
    instrument_id, base_timeframe, open_at, open, high, low, close, volume, filled_count, known_at, superseded_at,
    source_id
)
SELECT b.instrument_id, b.base_timeframe, b.open_at, 9, 9, 9, 9, 1, 0, b.known_at, b.known_at, b.source_id
FROM market.bars AS b WHERE b.instrument_id = %(instrument_id)s
"""
_GAP = """
INSERT INTO market.gaps (instrument_id, base_timeframe, from_at, to_at, expected, missing, detected_at)
VALUES (%(instrument_id)s, '1m', %(at)s, %(at)s + INTERVAL '2 minutes', 2, 2, %(at)s)
"""


@pytest.fixture
def analyst(connection: psycopg.Connection) -> psycopg.Connection:
    """The analyst's session over bars with a session calendar, a closed and an open signal."""
    stock = signals.add_instrument(connection, "AAPL")
    connection.execute("UPDATE market.instruments SET calendar = 'XNYS', asset_class = 'equity'")
    connection.execute(
        "INSERT INTO market.sessions (calendar, open_at, close_at) VALUES ('XNYS', %s, %s)", (MONDAY, NEXT_YEAR)
    )
    signals.put_bars(connection, stock, [OHLC(MONDAY, 100.0, 101.0, 99.0, 100.0)])
    strategy = records.add_strategy(connection)
    records.add_signal(connection, stock, strategy, CLOSE, closed("target_hit", 2.0))
    records.add_signal(connection, stock, strategy, CLOSE + (NEXT_YEAR - MONDAY))
    connection.execute("INSERT INTO market.indicators (instrument_id, timeframe, open_at, n) VALUES (%s, '1m', %s, 1)",
                       (stock, MONDAY))  # fmt: skip
    connection.execute(_VERSION, {"instrument_id": stock, "at": MONDAY})
    connection.execute(_GAP, {"instrument_id": stock, "at": MONDAY})
    connection.execute("SET LOCAL ROLE signalhub_analyst")
    return connection


def views(connection: psycopg.Connection) -> list[str]:
    found = connection.execute("SELECT viewname::text FROM pg_views WHERE schemaname = 'analytics' ORDER BY 1")
    return [name for (name,) in found]


def test_every_view_of_analytics_can_be_read_row_by_row(analyst: psycopg.Connection) -> None:
    named = views(analyst)
    assert {"bars", "indicators", "signals", "signal_outcomes", "open_signals", "performance_daily"} <= set(named)
    empty = [name for name in named if not analyst.execute(f"SELECT * FROM analytics.{name}".encode()).fetchall()]
    assert empty == ["own_indicators"], "it is empty until there are some: tests/integration/test_own_indicators.py"


def test_the_functions_of_analytics_and_ta_can_be_called(analyst: psycopg.Connection) -> None:
    (count,) = analyst.execute("SELECT n_signals FROM analytics.performance(ARRAY['strategy', 'timeframe'])").fetchall()
    assert count == (2,)
    assert analyst.execute("SELECT equity_r FROM analytics.equity(only_symbol => 'AAPL')").fetchall() == [(2.0,)]
    told = "SELECT p.* FROM analytics.open_signals AS o CROSS JOIN LATERAL analytics.signal_inputs(o.signal_id) AS p"
    [(_inputs, input_hash, record, *_, is_intact)] = analyst.execute(told).fetchall()
    assert input_hash in record
    assert not is_intact, "it has no inputs"
    averaged = "SELECT ta.ema(close, 1) OVER (ORDER BY open_at) FROM analytics.bars WHERE timeframe = '1m'"
    assert analyst.execute(averaged).fetchall() == [(100.0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM account.subscribers",
        "SELECT * FROM account.keys",
        "SELECT * FROM outbox.messages",
        "SELECT * FROM engine.signals",
        "SELECT * FROM engine.signal_inputs",
        "SELECT * FROM engine.ledger",
        "SELECT * FROM engine.seals",
        "SELECT engine.now()",
        "SELECT * FROM market.bars",
        "INSERT INTO analytics.signals (signal_id) VALUES (1)",
        "INSERT INTO market.instruments (venue, symbol) VALUES ('x', 'x')",
        "UPDATE engine.outcomes SET status = 'target_hit'",
        "DELETE FROM analytics.bars",
        "TRUNCATE engine.signals",
        "CREATE TABLE analytics.mine (one integer)",
        "CREATE VIEW ta.mine AS SELECT 1 AS one",
        "CREATE OR REPLACE VIEW analytics.signals AS SELECT 1 AS one",
        "CREATE TABLE public.mine (one integer)",
        "CREATE SCHEMA mine",
        "DROP VIEW analytics.bars",
        "ALTER VIEW analytics.bars RENAME TO ours",
    ],
)
def test_everything_else_is_refused(analyst: psycopg.Connection, statement: str) -> None:
    refusals = (errors.InsufficientPrivilege, errors.ObjectNotInPrerequisiteState, errors.FeatureNotSupported)
    with pytest.raises(refusals), analyst.transaction():
        analyst.execute(statement.encode())


def test_what_it_reads_it_cannot_give_to_others(analyst: psycopg.Connection) -> None:
    analyst.execute("GRANT SELECT ON analytics.bars TO PUBLIC")
    given = "SELECT has_table_privilege('public', 'analytics.bars', 'SELECT')"
    assert analyst.execute(given).fetchone() == (False,), "without the right to give, a grant is a warning"
