"""The signals of a backtest in full, as analytics.signals would show them if they were stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.domain.signal import Direction
from signalhub.indicators.window_features import features
from signalhub.performance.backtest import Backtest
from signalhub.settings import Settings
from signalhub.signals.inputs import InputColumns, Rule, as_text, inputs
from signalhub.signals.judge import Judged, Terms, judge
from signalhub.strategies.base import Candidate

_SQL = Queries("performance/trials")
_COUNTED = (
    *("symbol", "asset_class", "timeframe", "direction", "strategy", "strategy_version", "close_at", "valid_until"),
    *("origin", "is_simulated", "status", "is_ambiguous", "fill_price", "fill_at", "exit_price", "exit_at"),
    *("gross_return_pct", "net_return_pct", "r_multiple", "net_r", "mfe_r", "mae_r", "tracked_through"),
)


def rows(connection: Connection, tried: Backtest, settings: Settings) -> Iterator[dict[str, Any]]:
    """Each signal with the fields of analytics.signals: null where only a stored one has something to say.

    Guarantees: `input_hash` is that of a replay's signal.
    """
    names = [row["name"] for row in _SQL.rows(connection, "fields")]
    terms = Terms.of(settings)
    columns = InputColumns(tried.market.seen.frame)
    for row in tried.signals.iter_rows(named=True):
        found = {name: row[name] for name in _COUNTED} | _judged(tried, columns, terms, row)
        yield {name: found.get(name) for name in names}


def _judged(tried: Backtest, columns: InputColumns, terms: Terms, row: dict[str, Any]) -> dict[str, Any]:
    """What the judge says of the bar once more, in its own words."""
    seen, strategy = tried.market.seen, tried.strategy
    place, direction = row["place"], Direction(row["direction"])
    bar = columns.at(place, strategy.columns)
    candidate = Candidate(direction, bar.row, bar.previous, bar.window, features(bar.window), seen.timeframe)
    instrument = tried.market.universe.instruments[seen.frame["instrument_id"][place]]
    found = judge(strategy, candidate, instrument.tick_size, terms)
    if not isinstance(found, Judged):
        raise AssertionError(f"{strategy.name} takes back its signal of {instrument.public_symbol}, {row['close_at']}.")
    rule = Rule(strategy.name, strategy.version, strategy.parameter_values, direction.value, terms.plain)
    text = as_text(inputs(rule, instrument, seen.timeframe, row["close_at"], bar))
    return {
        **found.columns,
        "open_at": row["close_at"] - seen.timeframe.span,
        "confidence_n": 0,
        "input_hash": hashlib.sha256(text.encode()).hexdigest(),
    }
