"""Stored signals walked as a backtest walks its own: the other way to the outcomes of engine.outcomes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.performance import paths, walking
from signalhub.performance.walking import NEVER, STATUSES, Outcomes, Proposals
from tests.market import rows_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SIGNALS = """
SELECT s.signal_id, s.instrument_id, s.close_at, s.valid_until, s.direction, s.stop::float8 AS stop,
    s.target::float8 AS target, abs(s.entry - s.stop)::float8 AS risk, coalesce(a.price_factor, 1) AS factor
FROM engine.signals AS s
LEFT JOIN market.adjustments AS a
    ON a.instrument_id = s.instrument_id AND s.open_at >= a.from_at AND s.open_at < a.to_at
ORDER BY s.signal_id
"""
_NUMBERS = (
    *("fill_price", "exit_price", "r_multiple", "net_r", "gross_return_pct", "net_return_pct"),
    *("mfe_r", "mae_r"),
)


def walked(connection: Connection, now: datetime, cost_bps: float) -> dict[int, dict[str, Any]]:
    """Every stored signal's outcome, as engine.outcomes would have it after one look."""
    signals = rows_of(connection, _SIGNALS)
    proposals = _proposals(connection, signals, now)
    found = Outcomes.unknown(proposals)
    looks = np.flatnonzero(proposals.horizons > proposals.closes)
    asked = proposals.some(looks)
    for part, bars in paths.read(connection, asked.instrument_ids, asked.closes, asked.horizons):
        found.put(looks[part], walking.walk(connection, asked.some(part), bars, cost_bps))
    return {row["signal_id"]: _row(found, index) for index, row in enumerate(signals)}


def _proposals(connection: Connection, signals: list[dict[str, Any]], now: datetime) -> Proposals:
    rows = Queries("performance/walking").rows(connection, "settled")
    settled = {row["instrument_id"]: row["settled_at"] for row in rows}

    def horizon(row: dict[str, Any]) -> datetime:
        reach = min(settled.get(row["instrument_id"], _EPOCH), row["valid_until"], now)
        return max(reach, row["close_at"])

    return Proposals(
        np.array([row["instrument_id"] for row in signals]),
        np.array([_minute(row["close_at"]) for row in signals]),
        np.array([_minute(horizon(row)) for row in signals]),
        np.array([_minute(row["valid_until"]) for row in signals]),
        np.array([1.0 if row["direction"] == "long" else -1.0 for row in signals]),
        *(np.array([row[name] for row in signals]) for name in ("stop", "target", "risk", "factor")),
    )


def _row(found: Outcomes, index: int) -> dict[str, Any]:
    return {
        "status": STATUSES[found.status[index]],
        "is_ambiguous": bool(found.is_ambiguous[index]),
        **{name: _instant(int(getattr(found, name)[index])) for name in ("fill_at", "exit_at")},
        **{name: _number(float(getattr(found, name)[index])) for name in _NUMBERS},
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def _minute(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(minutes=1)


def _instant(minute: int) -> datetime | None:
    return None if minute == NEVER else _EPOCH + timedelta(minutes=minute)
