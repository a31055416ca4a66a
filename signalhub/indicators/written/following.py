"""The next bar: the same expressions on the states and rings of the bar before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from signalhub.indicators.declared import Item, declared
from signalhub.indicators.reach import ANCHOR_BARS, FRAME
from signalhub.indicators.written.parts import (
    BEFORE,
    FRAME_CALL,
    HEAD,
    INPUT_NAMES,
    LAG,
    PREVIOUS,
    RINGED,
    STEP_CALL,
    function,
    listed,
    masked,
    names,
    output,
    rings,
    steps,
)

_WORD = re.compile(r"(?<![\w.:])[a-z_]\w*(?![\w(])")


def _resumed(text: str) -> str:
    """An expression with its lags from the rings and what stood before from the state."""
    text = BEFORE.sub(r"seed_\1", text)
    return LAG.sub(lambda lag: f"{lag[1]}_ring[cardinality({lag[1]}_ring) + 1 - {lag[2]}]", text)


def _stepped(item: Item) -> str:
    if not item.is_state:
        return _resumed(item.expression)
    match = STEP_CALL.match(item.expression)
    assert match
    return f"ta.{match[1]}_step(seed_{item.name}, {_resumed(match[2])})"


def _frame_size(item: Item) -> str:
    match = FRAME_CALL.match(item.expression)
    assert match, item
    return f"w{match['size']}"


def _by_size() -> dict[str, list[Item]]:
    frames = sorted(declared().frames, key=lambda item: int(_frame_size(item)[1:]))
    return {size: list(items) for size, items in groupby(frames, key=_frame_size)}


def _lateral(size: str, frames: Sequence[Item], seen: Sequence[Item], read: Sequence[str]) -> str:
    """The frames of one size, as aggregates over so many of the last bars."""
    words = set().union(*(item.words for item in frames))
    computed = [f"{item.expression} AS {item.name}" for item in seen if item.name in words]
    calls = [f"{_WORD.sub(_of_row, item.expression.rsplit(' OVER ', 1)[0])} AS {item.name}" for item in frames]
    return f"""
    CROSS JOIN LATERAL (
        SELECT
{listed(calls, 12)}
        FROM (
            SELECT
{listed(["y.*", *computed], 16)}
            FROM (
                SELECT
{listed(["g.place", *read], 20)}
                FROM generate_series(greatest(1, d.place - {int(size[1:]) - 1}), d.place) AS g (place)
            ) AS y
        ) AS x
    ) AS {size}"""


def _of_row(word: re.Match[str]) -> str:
    return f"x.{word[0]}"


def next_function() -> str:
    """market.next_indicator_rows."""
    used = set().union(*(item.words for item in declared().frames))
    seen = [
        item
        for item in declared().bars
        if item.name in used or any(item.name in other.words for other in declared().bars)
    ]
    seen_of = "d.{0}s[cardinality(d.{0}s) - d.place + g.place{1}] AS {2}"
    read = [seen_of.format(name, "", name) for name in RINGED]
    read += [seen_of.format(name, " - 1", f"previous_{name}") for name in PREVIOUS]
    laterals = "".join(_lateral(size, items, seen, read) for size, items in _by_size().items())
    window = f"""\
framed AS (
    SELECT
        d.*,
{listed((f"{_frame_size(item)}.{item.name}" for item in declared().frames), 8)}
    FROM bars AS d{laterals}
    OFFSET 0
)"""
    ringed = listed((f"w.{name}_ring" for name in rings()), 8)
    filled = listed((f"w.{name}_ring || b.{name} AS {name}s" for name in RINGED), 8)
    seeded = listed((f"s.{name} AS seed_{name}" for name in names(declared().states)), 8)
    seeds = listed((f"a.{name}" for name in names(declared().states)), 12)
    due = f"""\
WITH due AS MATERIALIZED (
    SELECT
        u.instrument_id,
        b.open_at,
        LEAST(s.n + 1, 1000) AS n,
        LEAST(cardinality(w.close_ring) + 1, {FRAME})::bigint AS place,
        date_bin({ANCHOR_BARS} * t.span, b.open_at, 'epoch'::timestamptz) > s.open_at AS is_anchor,
        b.open,
        b.high,
        b.low,
        b.close,
        b.volume,
        w.high_ring[cardinality(w.high_ring)] AS previous_high,
        w.low_ring[cardinality(w.low_ring)] AS previous_low,
        w.close_ring[cardinality(w.close_ring)] AS previous_close,
        market.era_of(next_indicator_rows.bars_timeframe, b.open_at) AS era,
        market.session_of(i.calendar, b.open_at, b.close_at) AS session,
{seeded},
        s.open_at AS resumed_from,
        b.newer,
{filled},
{ringed}
    FROM unnest(next_indicator_rows.instrument_ids, next_indicator_rows.from_ats) AS u (instrument_id, from_at)
    INNER JOIN market.timeframes AS t ON t.timeframe = next_indicator_rows.bars_timeframe
    INNER JOIN market.instruments AS i ON u.instrument_id = i.instrument_id
    CROSS JOIN LATERAL (
        SELECT
            a.open_at,
            a.n,
{seeds}
        FROM market.indicator_state AS a
        WHERE a.instrument_id = u.instrument_id AND a.timeframe = next_indicator_rows.bars_timeframe
        ORDER BY a.open_at DESC
        LIMIT 1
    ) AS s
    INNER JOIN market.indicator_rings AS w
        ON u.instrument_id = w.instrument_id AND w.timeframe = next_indicator_rows.bars_timeframe
        AND s.open_at = w.open_at
    CROSS JOIN LATERAL (
        SELECT
            a.open_at,
            a.close_at,
            a.open,
            a.high,
            a.low,
            a.close,
            a.volume,
            count(*) OVER () AS newer
        FROM market.adjusted_bars AS a
        WHERE a.instrument_id = u.instrument_id AND a.timeframe = next_indicator_rows.bars_timeframe
            AND a.open_at > s.open_at
        ORDER BY a.open_at
        LIMIT 1
    ) AS b
    WHERE u.from_at > s.open_at AND b.newer <= next_indicator_rows.most
),
"""
    parts, below = [], "due"
    wanted = {
        "instrument_id",
        "open_at",
        "n",
        "is_anchor",
        "resumed_from",
        "newer",
        *names(declared().states),
        *rings(),
    }
    wanted |= {f"{name}_ring" for name in rings()}
    present = [*INPUT_NAMES, "resumed_from", "newer", *(f"{name}_ring" for name in rings())]
    present = [name for name in present if name not in ("is_new", "seed")]
    present += [f"{name}s" for name in RINGED] + [f"seed_{name}" for name in names(declared().states)]
    found = steps()
    for number, (name, items) in enumerate(found):
        later = [item for _, others in found[number + 1 :] for item in others] + list(declared().columns)
        needed = wanted.union({"place"}, *(item.words for item in later))
        needed |= {f"seed_{name}" for item in later for name in (*BEFORE.findall(item.expression), item.name)}
        needed |= {f"{series}s" for series in RINGED if number == 0}
        carried = [f"{below}.{word}" for word in present if word in needed]
        present = [*names(items), *(word for word in present if word in needed)]
        if name == "framed":
            parts.append(window.replace("        d.*,\n", listed(carried, 8).replace("bars.", "d.") + ",\n"))
        else:
            lines = [f"{_stepped(item)} AS {item.name}" for item in items]
            parts.append(f"{name} AS (\n    SELECT\n{listed([*lines, *carried], 8)}\n    FROM {below}\n    OFFSET 0\n)")
        below = name
    kept = [f"c.{name}" for name in ("instrument_id", "open_at", "n", "is_anchor")]
    columns = [f"{masked(item)} AS {item.name}" for item in declared().columns]
    shifted = [
        f"CASE WHEN cardinality(c.{name}_ring) >= {size} THEN c.{name}_ring[2:] ELSE c.{name}_ring END || c.{name}"
        for name, size in rings().items()
    ]
    states = [f"c.{name}" for name in names(declared().states)]
    final = f"SELECT\n{listed([*kept, *columns, *states, *shifted, 'c.resumed_from', 'c.newer'])}\nFROM {below} AS c"
    head = """\
-- Purpose: the indicator rows of the next bar of many instruments at once, from the state and the rings of the bar
--          before: what a new bar costs does not depend on how long the history is.
-- Grain:   one row per instrument whose newest indicator row stands right before from_at, has its rings, and is
--          followed by no more than `most` bars: those are computed one at a time, longer stretches by indicator_rows.
-- Read by: sql/queries/indicators/written.sql.
"""
    arguments = "instrument_ids integer[], bars_timeframe text, from_ats timestamptz[], most integer"
    return (
        head
        + HEAD
        + "-- noqa: disable=all\n"
        + function(
            "next_indicator_rows",
            arguments,
            output(with_rings=True),
            due + "\n" + ",\n\n".join(parts) + f"\n\n{final}",
        )
    )
