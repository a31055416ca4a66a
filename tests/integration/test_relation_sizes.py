"""`db size`: every relation that holds data, with rows and bytes; a ratio where something is compressed."""

from __future__ import annotations

from datetime import timedelta

from signalhub.bars import retention
from signalhub.db.edition import TIMESCALE
from signalhub.db.engine import Database
from signalhub.domain.timeframe import H1
from tests.market import MONDAY, add_instrument, put, random_bars, roll_and_compute


def test_sizes_name_tables_and_rollups_and_tell_what_is_compressed(database: Database, edition: str) -> None:
    btc = add_instrument(database)
    put(database, random_bars(1, btc, MONDAY - timedelta(days=100), H1, 2400, keep=1.0), H1)
    roll_and_compute(database, MONDAY)
    retention.compress(database, timedelta(days=1), MONDAY)
    with database.autocommit() as connection:
        connection.execute("ANALYZE")
    with database.transaction() as connection:
        found = {size.relation: size for size in retention.sizes(connection)}
    assert {"market.bars", "market.bars_5m", "market.bars_1d", "market.indicators", "engine.signals"} <= set(found)
    assert found["market.bars"].rows == found["market.bars_1h"].rows == 2400
    assert found["market.bars_1d"].bytes > 8000
    assert (found["market.bars"].compression_ratio is not None) == (edition == TIMESCALE)
    assert found["engine.signals"].compression_ratio is None
