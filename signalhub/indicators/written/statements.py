"""What names every column: the statements that store them, the view, the snapshot's query."""

from __future__ import annotations

from textwrap import indent

from signalhub.indicators.declared import BAR, declared
from signalhub.indicators.written.parts import HEAD, listed, names

_KEPT_STATES = """\
INSERT INTO market.indicator_state AS s (instrument_id, timeframe, open_at, n, is_anchor, memory)
    SELECT c.instrument_id, %(timeframe)s::text, c.open_at, c.n, c.is_anchor, c.memory
    FROM computed AS c
    WHERE c.memory IS NOT NULL
    -- What is there already stays as it is where it is the same to the bit.
    ON CONFLICT (instrument_id, timeframe, open_at) DO UPDATE SET
        n = excluded.n, is_anchor = excluded.is_anchor, memory = excluded.memory
    WHERE s *<> excluded
    RETURNING instrument_id, open_at"""


def _stored_rows() -> str:
    columns = names(declared().columns)
    return f"""\
INSERT INTO market.indicators (
        instrument_id, timeframe, open_at, n,
{listed(columns, 8)}
    )
    SELECT
        c.instrument_id, %(timeframe)s::text, c.open_at, c.n,
{listed((f"c.row_values[{place}]" for place, _ in enumerate(columns, 1)), 8)}
    FROM computed AS c"""


def computing() -> str:
    """What indicators/compute.py runs where every column is named."""
    return f"""\
-- Purpose: what indicators/compute.py runs, where it names every column.
{HEAD}-- noqa: disable=all

-- name: compute
WITH computed AS MATERIALIZED (
    SELECT c.*
    FROM market.indicator_rows(
        %(instrument_ids)s::integer[], %(timeframe)s::text,
        %(before_ats)s::timestamptz[], %(until_ats)s::timestamptz[]
    ) AS c
),

kept AS (
    {_KEPT_STATES}
),

stored AS (
    {_stored_rows()}
)

SELECT
    c.instrument_id,
    count(*) AS rows_written,
    COALESCE(max(k.open_at) = max(c.open_at), FALSE) AS is_other
FROM computed AS c
LEFT JOIN kept AS k ON c.instrument_id = k.instrument_id AND c.open_at = k.open_at
GROUP BY c.instrument_id;

-- name: step
-- Instruments that have nothing computed from the given instant on: all of them in one statement.
WITH due AS MATERIALIZED (
    SELECT
        array_agg(u.instrument_id) AS instrument_ids,
        array_agg(u.from_at) AS from_ats,
        array_agg('infinity'::timestamptz) AS until_ats
    FROM unnest(%(instrument_ids)s::integer[], %(from_ats)s::timestamptz[]) AS u (instrument_id, from_at)
    WHERE u.from_at > (
        SELECT s.open_at FROM market.indicator_state AS s
        WHERE s.instrument_id = u.instrument_id AND s.timeframe = %(timeframe)s::text
        ORDER BY s.open_at DESC
        LIMIT 1
    )
),

computed AS MATERIALIZED (
    SELECT c.*
    FROM due AS d
    CROSS JOIN LATERAL market.indicator_rows(
        d.instrument_ids, %(timeframe)s::text, d.from_ats, d.until_ats
    ) AS c
),

kept AS (
    {_KEPT_STATES}
),

thinned AS (
    DELETE FROM market.indicator_state AS s
    USING computed AS c
    WHERE s.instrument_id = c.instrument_id AND s.timeframe = %(timeframe)s::text AND s.open_at = c.resumed_from
        AND NOT s.is_anchor
),

stored AS (
    {_stored_rows()}
)

SELECT
    c.instrument_id,
    count(*) AS rows_written
FROM computed AS c
GROUP BY c.instrument_id;
"""


def view() -> str:
    """The view of the analysts."""
    columns = listed(f"x.{name}" for name in names(declared().columns))
    bars = listed(
        f"b.{name} {'/' if name == 'volume' else '*'} COALESCE(a.price_factor, 1.0::double precision) AS {name}"
        for name in BAR
    )
    newest = listed((f"max(b.{name}) AS {name}" for name in BAR), 8)
    return f"""\
-- Purpose: bars with their indicators (name + parameters) of all timeframes for analysts; null during warm-up.
-- Grain:   one row per (symbol, timeframe, open_at) of a closed bar; n is the bar's ordinal, counted up to 1,000.
-- Units:   open to volume as in analytics.adjusted_bars, in shares of today; null where old bars were dropped.
-- Why an aggregate over the one bar there is: the planner then drops the look-up where no bar column is read, and it
-- looks up by key, row by row, else: joined to market.adjusted_bars it thinks of a few rows and reads all bars.
{HEAD}CREATE OR REPLACE VIEW analytics.indicators AS
SELECT
    i.public_symbol AS symbol,
    x.timeframe,
    x.open_at,
    x.open_at + t.span AS close_at,
    x.n,
{bars},
{columns}
FROM market.indicators AS x
INNER JOIN market.instruments AS i ON x.instrument_id = i.instrument_id
INNER JOIN market.timeframes AS t ON x.timeframe = t.timeframe
LEFT JOIN market.instrument_bases AS r
    ON x.instrument_id = r.instrument_id AND x.open_at >= r.rules_from AND x.open_at < r.rules_until
LEFT JOIN market.adjustments AS a
    ON x.instrument_id = a.instrument_id AND x.open_at >= a.from_at AND x.open_at < a.to_at
LEFT JOIN LATERAL (
    SELECT
{newest}
    FROM market.all_bars AS b
    WHERE b.instrument_id = x.instrument_id AND b.timeframe = x.timeframe AND b.open_at = x.open_at
        AND b.base_timeframe = r.base_timeframe AND r.base_timeframe = ANY(b.bases)
) AS b ON TRUE;
"""


def snapshot() -> str:
    """What snapshot.py reads."""
    columns = listed(f"x.{name}" for name in names(declared().columns))
    return f"""\
-- Purpose: the indicators of a snapshot (snapshot.py); of these columns only those that are asked for are read.
{HEAD}
-- name: load_indicators
-- OFFSET 0: one index scan an instrument. The planner expects few rows and would compare each with every instrument.
SELECT x.*
FROM unnest(%(instrument_ids)s::integer[], %(from_ats)s::timestamptz[]) AS c (instrument_id, from_at)
CROSS JOIN LATERAL (
    SELECT
        x.instrument_id,
        (date_part('epoch', x.open_at) * 1000000.0::double precision)::bigint AS open_at,
        x.n,
{indent(columns, "    ")}
    FROM market.indicators AS x
    WHERE x.instrument_id = c.instrument_id
        AND x.timeframe = %(timeframe)s::text
        AND x.open_at >= c.from_at
        AND x.open_at >= %(first_needed)s::timestamptz
        AND x.open_at <= %(last_open)s::timestamptz
    ORDER BY x.open_at
    OFFSET 0
) AS x;
"""
