"""Everything a database says, without surrogate keys and wall-clock times: what two runs must agree on."""

from __future__ import annotations

import hashlib

import psycopg

_OF_INSTRUMENT = (
    "SELECT i.venue, i.symbol, to_jsonb(t) - 'instrument_id' FROM {0} t JOIN market.instruments i USING (instrument_id)"
)
_SIGNAL = """
SELECT v.strategy, v.version, i.venue, i.symbol, g.origin, g.timeframe, g.close_at, g.direction,
    to_jsonb(t) - '{{signal_id,strategy_id,instrument_id,recorded_at,published_at,
        record_sha256,seq,entered_at,payload_sha256,chain_sha256}}'::text[]
FROM {0} t
JOIN engine.signals g ON g.signal_id = t.signal_id
JOIN engine.strategies v ON v.strategy_id = g.strategy_id
JOIN market.instruments i ON i.instrument_id = g.instrument_id
"""

RELATIONS: dict[str, str] = {
    "instruments": "SELECT to_jsonb(t) - '{instrument_id,created_at}'::text[] FROM market.instruments t",
    "bars": (
        "SELECT i.venue, i.symbol, to_jsonb(t) - '{instrument_id,source_id}'::text[], s.source FROM market.bars t "
        "JOIN market.instruments i USING (instrument_id) JOIN market.sources s USING (source_id)"
    ),
    "revisions": (
        "SELECT i.venue, i.symbol, to_jsonb(t) - '{instrument_id,source_id,revision_id,superseded_at}'::text[] "
        "FROM market.bar_revisions t JOIN market.instruments i USING (instrument_id)"
    ),
    "dirty": (
        "SELECT i.venue, i.symbol, to_jsonb(t) - '{instrument_id,dirty_id}'::text[] "
        "FROM market.dirty_ranges t JOIN market.instruments i USING (instrument_id)"
    ),
    "watermarks": _OF_INSTRUMENT.format("market.watermarks"),
    "bases": _OF_INSTRUMENT.format("market.instrument_bases"),
    "sessions": "SELECT to_jsonb(t) FROM market.sessions t",
    **{f"bars_{code}": _OF_INSTRUMENT.format(f"market.bars_{code}") for code in ("5m", "15m", "1h", "4h", "1d")},
    "indicators": _OF_INSTRUMENT.format("market.indicators"),
    "indicator_state": _OF_INSTRUMENT.format("market.indicator_state"),
    "evaluations": (
        "SELECT v.strategy, v.version, to_jsonb(t) - "
        "'{evaluation_id,strategy_id,milliseconds,steps,evaluated_at}'::text[] "
        "FROM engine.evaluations t JOIN engine.strategies v USING (strategy_id)"
    ),
    "abstentions": (
        "SELECT v.strategy, v.version, e.origin, e.timeframe, e.close_at, i.venue, i.symbol, t.direction, t.reason, "
        "t.score "
        "FROM engine.abstentions t JOIN engine.evaluations e USING (evaluation_id) "
        "JOIN engine.strategies v USING (strategy_id) JOIN market.instruments i USING (instrument_id)"
    ),
    "signals": _SIGNAL.format("engine.signals"),
    "inputs": _SIGNAL.format("engine.signal_inputs"),
    "outcomes": _SIGNAL.format("engine.outcomes"),
    # Hashes hold surrogates and wall-clock times: which rows have one is what must agree.
    "seals": _SIGNAL.format("engine.seals"),
    "ledger": _SIGNAL.format("engine.ledger"),
}


def fingerprint(url: str) -> dict[str, tuple[int, str]]:
    """Relation → (rows, hash of its sorted rows)."""
    found = {}
    with psycopg.connect(url) as connection:
        connection.execute("SET timezone = 'UTC'")
        for name, query in RELATIONS.items():
            rows = sorted(row[0] for row in connection.execute(f"SELECT r::text FROM ({query}) AS r".encode()))
            found[name] = (len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest())
    return found
