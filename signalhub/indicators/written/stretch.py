"""A stretch of history: window functions over bars, resumed from an anchor and the bars before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from signalhub.indicators.declared import Item, declared, free
from signalhub.indicators.reach import ANCHOR_BARS, CONTEXT
from signalhub.indicators.written.parts import (
    BEFORE,
    FRAME_CALL,
    HEAD,
    INPUT_NAMES,
    LAG,
    STEP_CALL,
    function,
    listed,
    masked,
    names,
    output,
    rings,
    steps,
)


def _windowed(text: str) -> str:
    """An expression with its lags as window functions."""
    text = BEFORE.sub(r"COALESCE(lag(\1) OVER so_far, (seed).\1)", text)
    return LAG.sub(r"lag(\1, \2) OVER so_far", text)


def _aggregated(item: Item) -> str:
    """A state as an aggregate over the rows so far."""
    match = STEP_CALL.match(item.expression)
    assert match, item
    call = f"ta.{match[1]}_state({_windowed(match[2])}, (seed).{item.name})"
    return f"{call} FILTER (WHERE is_new) OVER so_far"


def _window(below: str, lines: Iterable[str], frames: Iterable[int]) -> str:
    named = {f"w{size}": f"ROWS {size - 1} PRECEDING" for size in sorted(set(frames))}
    if any(" OVER so_far" in line for line in lines):
        named["so_far"] = "ROWS UNBOUNDED PRECEDING"
    order = f"PARTITION BY {below}.instrument_id ORDER BY {below}.open_at"
    text = listed((f"{name} AS ({order} {rows})" for name, rows in named.items()), 8)
    return f"\n    WINDOW\n{text}" if named else ""


def _chain(steps: Sequence[tuple[str, Sequence[Item]]], last: Iterable[Item], always: Iterable[str]) -> str:
    """SELECTs on top of each other, from `input` on: each computes its items and hands on what is needed after it.

    Narrow rows matter: a window function writes and reads each row that passes it. The barrier (OFFSET 0) keeps what is
    used twice from being computed twice; what is new stands first, where a lag finds it soon.
    """
    parts, below, present = [], "input", list(INPUT_NAMES)
    for number, (name, items) in enumerate(steps):
        later = [item for _, others in steps[number + 1 :] for item in others] + list(last)
        needed = set(always).union(*(item.words for item in later), *({"seed"} for item in later if item.needs_seed))
        lines = [f"{_written(item)} AS {item.name}" for item in items]
        carried = [f"{below}.{word}" for word in present if word in needed]
        frames = [int(match["size"]) for item in items if (match := FRAME_CALL.match(item.expression))]
        window = _window(below, lines, frames)
        text = listed([*lines, *carried], 8)
        parts.append(f"{name} AS (\n    SELECT\n{text}\n    FROM {below}{window}\n    OFFSET 0\n)")
        present = [*names(items), *(word for word in present if word in needed)]
        below = name
    return ",\n\n".join(parts)


def _written(item: Item) -> str:
    return _aggregated(item) if item.is_state else _windowed(item.expression)


_RESUME = f"""\
WITH resume AS MATERIALIZED (
    SELECT
        u.instrument_id,
        u.until_at,
        s.open_at AS anchor_at,
        COALESCE(s.n, 0) AS anchor_n,
        s.seed,
        LEAST(c.context_from, f.context_from) AS context_from
    FROM unnest(
        %(function)s.instrument_ids, %(function)s.before_ats, %(function)s.until_ats
    ) AS u (instrument_id, before_at, until_at)
    LEFT JOIN LATERAL (
        SELECT
            a.open_at,
            a.n,
            a AS seed
        FROM market.indicator_state AS a
        WHERE a.instrument_id = u.instrument_id AND a.timeframe = %(function)s.bars_timeframe
            AND a.open_at < u.before_at
        ORDER BY a.open_at DESC
        LIMIT 1
    ) AS s ON TRUE
    LEFT JOIN LATERAL (
        SELECT
            min(x.open_at) AS context_from,
            count(*) AS context_rows
        FROM (
            SELECT i.open_at
            FROM market.indicators AS i
            WHERE i.instrument_id = u.instrument_id AND i.timeframe = %(function)s.bars_timeframe
                AND i.open_at <= s.open_at
            ORDER BY i.open_at DESC
            LIMIT {CONTEXT}
        ) AS x
    ) AS c ON TRUE
    -- Where old indicator rows were dropped (market.retention), the bars say where the context begins.
    LEFT JOIN LATERAL (
        SELECT min(x.open_at) AS context_from
        FROM (
            SELECT b.open_at
            FROM market.closed_bars AS b
            WHERE b.instrument_id = u.instrument_id AND b.timeframe = %(function)s.bars_timeframe
                AND b.open_at <= s.open_at AND c.context_rows < LEAST({CONTEXT}, s.n)
            ORDER BY b.open_at DESC
            LIMIT {CONTEXT}
        ) AS x
    ) AS f ON TRUE
),
"""

_INPUT = f"""\
input AS (
    SELECT
        b.instrument_id,
        b.open_at,
        b.is_new,
        LEAST(b.anchor_n + count(*) FILTER (WHERE b.is_new) OVER so_far, 1000) AS n,
        row_number() OVER so_far AS place,
        date_bin({ANCHOR_BARS} * b.span, b.open_at, 'epoch'::timestamptz)
        > COALESCE(lag(b.open_at) OVER so_far, '-infinity'::timestamptz) AS is_anchor,
        b.open,
        b.high,
        b.low,
        b.close,
        b.volume,
        lag(b.high) OVER so_far AS previous_high,
        lag(b.low) OVER so_far AS previous_low,
        lag(b.close) OVER so_far AS previous_close,
        b.era,
        b.session,
        -- In the first new row only: a seed carried along in every row costs more than what it seeds.
        CASE WHEN b.is_new AND NOT COALESCE(lag(b.is_new) OVER so_far, FALSE) THEN b.seed END AS seed
    FROM (
        SELECT
            a.instrument_id,
            a.open_at,
            a.open_at > COALESCE(r.anchor_at, '-infinity'::timestamptz) AS is_new,
            r.anchor_n,
            t.span,
            a.open,
            a.high,
            a.low,
            a.close,
            a.volume,
            market.era_of(%(function)s.bars_timeframe, a.open_at) AS era,
            market.session_of(i.calendar, a.open_at, a.close_at) AS session,
            r.seed
        FROM resume AS r
        INNER JOIN market.instruments AS i ON r.instrument_id = i.instrument_id
        INNER JOIN market.timeframes AS t ON t.timeframe = %(function)s.bars_timeframe
        INNER JOIN market.adjusted_bars AS a
            ON r.instrument_id = a.instrument_id
            AND a.timeframe = %(function)s.bars_timeframe
            AND a.open_at >= COALESCE(r.context_from, '-infinity'::timestamptz)
            AND a.open_at < r.until_at
    ) AS b
    WINDOW so_far AS (PARTITION BY b.instrument_id ORDER BY b.open_at ROWS UNBOUNDED PRECEDING)
),
"""


def _resumed_input(function: str) -> str:
    return (_RESUME + "\n" + _INPUT + "\n").replace("%(function)s", function)


def rows_function() -> str:
    """market.indicator_rows."""
    found = steps()
    kept = ["instrument_id", "open_at", "n", "is_anchor"]
    states = names(declared().states)
    chain = _chain(found, declared().columns, [*kept, *states, "is_new"])
    columns = [f"{masked(item)} AS {item.name}" for item in declared().columns]
    text = listed([*(f"c.{name}" for name in kept), *columns, *(f"c.{name}" for name in states)])
    body = _resumed_input("indicator_rows") + chain + f"\n\nSELECT\n{text}\nFROM {found[-1][0]} AS c\nWHERE c.is_new"
    head = """\
-- Purpose: the indicator rows of instruments, computed from their closed bars: any stretch of history. Resumed from a
--          stored anchor and its context it gives the same bits as from the first bar, because every frame sees the
--          same rows in the same order and the recursive aggregates go on from their seed.
-- Grain:   one row per closed bar of the timeframe after the newest anchor before before_at ('-infinity': from the
--          first bar on, whatever is stored) and before until_at. Units: sql/indicators.sql; the states are those of
--          market.indicator_state, for every row.
-- Read by: sql/queries/indicators (written, audit).
"""
    arguments = "instrument_ids integer[], bars_timeframe text, before_ats timestamptz[], until_ats timestamptz[]"
    return (
        head + HEAD + "-- noqa: disable=all\n" + function("indicator_rows", arguments, output(with_rings=False), body)
    )


def rings_function() -> str:
    """market.indicator_rings_of."""
    known = names(free())
    found = steps(lambda item: item.name in known)
    chain = _chain(found, [], ["instrument_id", "open_at", "place", *rings()])
    aggregated = [
        f"array_agg(c.{name} ORDER BY c.place) FILTER (WHERE c.from_end <= {size}) AS {name}_ring"
        for name, size in rings().items()
    ]
    text = listed(["c.instrument_id", "max(c.open_at) AS open_at", *aggregated])
    below = found[-1][0]
    body = f"""\
{_resumed_input("indicator_rings_of")}{chain},

counted AS (
    SELECT
        {below}.*,
        row_number() OVER (PARTITION BY {below}.instrument_id ORDER BY {below}.open_at DESC) AS from_end
    FROM {below}
)

SELECT
{text}
FROM counted AS c
GROUP BY c.instrument_id"""
    head = """\
-- Purpose: the last values of every series that the next bar needs, beside the state of the newest bar.
-- Grain:   one row per instrument, at its newest indicator row; each ring oldest first.
-- Read by: sql/queries/indicators/written.sql, which stores them in market.indicator_rings.
"""
    arguments = "instrument_ids integer[], bars_timeframe text, before_ats timestamptz[], until_ats timestamptz[]"
    given = [
        ("instrument_id", "integer"),
        ("open_at", "timestamptz"),
        *((f"{name}_ring", "double precision[]") for name in rings()),
    ]
    return head + HEAD + "-- noqa: disable=all\n" + function("indicator_rings_of", arguments, given, body)
