"""Splits in the store: raw bars stay, and all that is computed from them is in today's shares."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from signalhub.bars import instruments, splits
from signalhub.bars.splits import Recorded
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.split import Split, SplitDay
from signalhub.domain.timeframe import M15
from signalhub.errors import DataUnusable
from signalhub.feeds.factor_files import FactorFile
from signalhub.indicators.columns import INDICATOR_COLUMNS, POWER
from signalhub.web import candles
from tests.evaluation_market import add, lively_quarters, replayed, settle
from tests.market import HISTORY, MONDAY, NEXT_YEAR, at, bar, frame, put, roll_and_compute, rows
from tests.splits import as_raw, factor_file, record, shares

# Four for one, then one for two: powers of two, so that whatever must be exact is exact.
SPLITS = (Split(at("5"), 4.0), Split(at("6"), 0.5))
SHARES_TODAY = 2.0
PLAIN, SPLIT = "PLAIN", "SPLIT"


def plain_and_split(database: Database) -> tuple[int, int]:
    """One market twice: in the bars of a share that never was split, and in the raw ones of one that was."""
    plain, split = (add(database, symbol, tick=None) for symbol in (PLAIN, SPLIT))
    bars = lively_quarters(1, plain)
    put(database, bars, M15)
    put(database, as_raw(bars, SPLITS, split), M15)
    settle(database)
    return plain, split


def recorded(database: Database, *made: Split, symbol: str = SPLIT, **options: Any) -> Recorded:
    with database.transaction() as connection:
        return record(connection, symbol, *made, **options)


def dirty(database: Database) -> set[int]:
    return {row["instrument_id"] for row in rows(database, "SELECT instrument_id FROM market.dirty_ranges")}


def contents(database: Database, table: str) -> list[dict[str, Any]]:
    """Every row as text, which is exact for floats."""
    return rows(database, f"SELECT x::text AS content FROM {table} AS x ORDER BY 1")


def test_adjusted_bars_are_the_raw_ones_to_the_bit_where_nothing_was_split(database: Database) -> None:
    plain, split = plain_and_split(database)
    recorded(database, *SPLITS)
    roll_and_compute(database)
    columns = "timeframe, open_at, open, high, low, close, volume, turnover, bar_count, filled_count, known_at"
    seen = [
        rows(
            database, f"SELECT ROW({columns})::text AS content FROM {view} WHERE instrument_id = %s ORDER BY 1", (one,)
        )
        for one in (plain, split)
        for view in ("market.closed_bars", "market.adjusted_bars")
    ]
    assert len(seen[0]) > 300
    assert seen[0] == seen[1]
    assert seen[2] != seen[3]


def test_indicators_are_those_of_a_share_that_had_today_s_number_all_the_time(database: Database) -> None:
    plain, split = plain_and_split(database)
    recorded(database, *SPLITS)
    roll_and_compute(database)
    query = "SELECT * FROM market.indicators WHERE instrument_id = %s ORDER BY timeframe, open_at"
    theirs, ours = (rows(database, query, (instrument_id,)) for instrument_id in (plain, split))
    assert len(theirs) == len(ours) > 300
    for expected, found in zip(theirs, ours, strict=True):
        for name in INDICATOR_COLUMNS:
            scale = SHARES_TODAY ** -POWER[name]
            assert found[name] == (None if expected[name] is None else expected[name] * scale), name


def test_splits_that_are_learnt_late_give_what_they_give_in_time(database: Database) -> None:
    plain_and_split(database)
    roll_and_compute(database)
    before = contents(database, "market.indicators")
    recorded(database, *SPLITS)
    assert dirty(database) == {instruments_of(database)[SPLIT]}
    roll_and_compute(database)
    late = [contents(database, table) for table in ("market.indicators", "market.indicator_state")]
    assert late[0] != before
    with database.transaction() as connection:
        connection.execute("DELETE FROM market.indicators")
        connection.execute("DELETE FROM market.indicator_state")
        connection.execute(
            "INSERT INTO market.dirty_ranges (instrument_id, base_timeframe, from_at, to_at) "
            "SELECT instrument_id, base_timeframe, min(open_at), max(open_at) + INTERVAL '15 minutes' "
            "FROM market.bars GROUP BY 1, 2"
        )
    roll_and_compute(database)
    assert [contents(database, table) for table in ("market.indicators", "market.indicator_state")] == late
    recorded(database)
    roll_and_compute(database)
    assert contents(database, "market.indicators") == before


def test_replayed_signals_have_the_prices_of_their_date(database: Database) -> None:
    plain_and_split(database)
    recorded(database, *SPLITS)
    roll_and_compute(database)
    replayed(database)
    query = "SELECT * FROM analytics.signals WHERE symbol = %s ORDER BY timeframe, close_at, strategy, direction"
    theirs, ours = (rows(database, query, (symbol,)) for symbol in (PLAIN, SPLIT))
    assert {shares(SPLITS, row["open_at"]) for row in ours} == {4.0, SHARES_TODAY}
    same = ("timeframe", "close_at", "strategy", "direction", "score", "valid_until")
    assert [[row[name] for name in same] for row in ours] == [[row[name] for name in same] for row in theirs]
    for expected, found in zip(theirs, ours, strict=True):
        held = shares(SPLITS, found["open_at"])
        for level in ("entry", "stop", "target"):
            assert float(found[level]) == pytest.approx(float(expected[level]) / held, rel=1e-9)


def test_the_inputs_of_a_signal_hold_the_raw_bars_of_its_date(database: Database) -> None:
    _, split = plain_and_split(database)
    recorded(database, *SPLITS)
    roll_and_compute(database)
    replayed(database)
    stored = rows(
        database,
        "SELECT (p.inputs::jsonb -> 'row' ->> 'close')::double precision AS close, b.close AS raw "
        "FROM engine.signals AS s INNER JOIN engine.signal_inputs AS p ON s.signal_id = p.signal_id "
        "INNER JOIN market.closed_bars AS b ON s.instrument_id = b.instrument_id AND s.timeframe = b.timeframe "
        "AND s.open_at = b.open_at WHERE s.instrument_id = %s",
        (split,),
    )
    assert len(stored) > 5
    assert all(row["close"] == row["raw"] for row in stored)


def test_the_chart_of_a_signal_is_in_the_prices_of_its_date(database: Database) -> None:
    plain_and_split(database)
    recorded(database, *SPLITS)
    roll_and_compute(database)
    ends = {"valid_until": at("6 06:00"), "exit_at": None, "timeframe": "15m", "open_at": at("4 23:00")}
    with database.transaction() as connection:
        theirs, ours = (candles.around(connection, ends | {"symbol": symbol}) for symbol in (PLAIN, SPLIT))
    assert ours == theirs
    assert ours[-1].close_at > SPLITS[0].effective_at


def test_a_file_imported_again_changes_nothing_and_a_corrected_one_what_it_corrects(database: Database) -> None:
    plain_and_split(database)
    assert recorded(database, *SPLITS).added == SPLITS
    roll_and_compute(database)
    again = recorded(database, *SPLITS)
    assert again.is_unchanged
    assert again.splits == SPLITS
    assert dirty(database) == set()
    corrected = recorded(database, Split(at("5"), 3.0))
    assert (corrected.added, corrected.removed) == ((Split(at("5"), 3.0),), SPLITS)
    assert dirty(database) == {instruments_of(database)[SPLIT]}


def test_a_file_says_nothing_of_splits_outside_its_span(database: Database) -> None:
    plain_and_split(database)
    recorded(database, *SPLITS)
    with database.transaction() as connection:
        older = factor_file(SPLITS[0], last_day=date(2024, 3, 4))
        kept = splits.record(connection, instruments.find(connection, SPLIT), older, NEXT_YEAR)
    assert kept.is_unchanged
    assert kept.splits == SPLITS


def test_bars_that_seem_adjusted_already_are_not_adjusted_again(database: Database) -> None:
    plain_and_split(database)
    roll_and_compute(database)
    with pytest.raises(DataUnusable, match=r"2024-03-05, where a split of 4 for 1 .* adjusted already"):
        recorded(database, *SPLITS, symbol=PLAIN, is_sure=False)
    assert rows(database, "SELECT 1 FROM market.splits") == []
    assert recorded(database, *SPLITS, symbol=SPLIT, is_sure=False).added == SPLITS
    assert recorded(database, *SPLITS, symbol=PLAIN, is_sure=True).added == SPLITS


def test_a_split_of_a_share_without_bars_is_recorded_for_when_they_come(database: Database) -> None:
    one = add(database, SPLIT, tick=None)
    recorded(database, *SPLITS, is_sure=False)
    put(database, frame([bar(one, MONDAY), bar(one, at("6"))]), M15)
    roll_and_compute(database)
    closes = "SELECT close, volume, price_factor FROM analytics.adjusted_bars WHERE timeframe = '15m' ORDER BY open_at"
    assert [tuple(row.values()) for row in rows(database, closes)] == [(50.0, 4.0, 0.5), (100.0, 2.0, 1.0)]


@pytest.mark.parametrize(
    ("calendar", "last_day", "effective_at"),
    [
        ("24/7", date(2024, 3, 8), datetime(2024, 3, 9)),
        ("24/5", date(2024, 3, 8), datetime(2024, 3, 9)),
        # Friday: the next session is Monday's. New York's Good Friday 2024 is 29 March.
        ("XNYS", date(2024, 3, 8), datetime(2024, 3, 11)),
        ("XNYS", date(2024, 3, 28), datetime(2024, 4, 1)),
        ("XNYS", date(2024, 3, 12), datetime(2024, 3, 13)),
        # Sydney opens at 23:00 UTC of the day before.
        ("XASX", date(2024, 3, 8), datetime(2024, 3, 11)),
        ("XASX", date(2024, 3, 12), datetime(2024, 3, 13)),
    ],
)
def test_a_split_takes_effect_on_the_day_of_the_next_session(
    connection: Connection, calendar: str, last_day: date, effective_at: datetime
) -> None:
    spec = InstrumentSpec(SPLIT, "test", "equity", calendar=calendar)
    instruments.register(connection, spec, HISTORY.name, is_live=False, now=MONDAY)
    file = FactorFile(Path("factors.csv"), date(2024, 1, 1), date(2024, 12, 31), (SplitDay(last_day, 7.0),), 0)
    done = splits.record(connection, instruments.find(connection, SPLIT), file, NEXT_YEAR)
    assert done.splits == (Split(effective_at.replace(tzinfo=MONDAY.tzinfo), 7.0),)


def instruments_of(database: Database) -> dict[str, int]:
    listed = rows(database, "SELECT symbol, instrument_id FROM market.instruments")
    return {row["symbol"]: row["instrument_id"] for row in listed}
