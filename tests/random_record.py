"""A random record: signals of all kinds with outcomes of all kinds, stored, and what each can be grouped by."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from signalhub.db.connection import Connection
from tests import records
from tests.outcome_statistics import Made
from tests.records import CLOSE, closed

Key = dict[str, Any]
CLASSES = ("crypto", "equity", "forex")
STRATEGIES = (("breakout", "1-aaaaaaaa"), ("momentum", "1-aaaaaaaa"), ("momentum", "2-bbbbbbbb"))
TIMEFRAMES = ("15m", "1h", "4h")
RESULTS = st.integers(-3000, 6000).map(lambda thousandths: thousandths / 1000)
INSTANTS = st.integers(0, 40 * 24).map(lambda hours: CLOSE + hours * timedelta(hours=1))
HELD = st.integers(0, 5000).map(lambda minutes: timedelta(minutes=minutes))


@st.composite
def outcomes(draw: st.DrawFn) -> Made:
    status = draw(st.sampled_from(["open", "target_hit", "stop_hit", "stop_hit", "expired", "unfilled", "cancelled"]))
    if status == "open":
        return Made("open")
    if status in ("unfilled", "cancelled"):
        return Made({"unfilled": "expired"}.get(status, status), draw(INSTANTS))
    is_ambiguous = status == "stop_hit" and draw(st.booleans())
    return Made(status, draw(INSTANTS), draw(RESULTS), draw(HELD), is_ambiguous)


SIGNALS = st.lists(
    st.tuples(
        st.sampled_from(["live", "replay"]),
        st.sampled_from([(kind, is_simulated) for kind in CLASSES for is_simulated in (False, True)]),
        st.sampled_from(STRATEGIES),
        st.sampled_from(TIMEFRAMES),
        outcomes(),
    ),
    max_size=40,
)


def stored(made: Made) -> dict[str, Any] | None:
    if made.status == "open":
        return None
    if made.net_r is None or made.exit_at is None:
        return {"status": made.status, "exit_at": made.exit_at}
    times = {"fill_at": made.exit_at - made.held, "exit_at": made.exit_at}
    return closed(made.status, made.net_r, **times, is_ambiguous=made.is_ambiguous)


def put(connection: Connection, signals: Sequence[tuple[Any, ...]]) -> list[tuple[Key, Made]]:
    """Stores them; each with all it can be grouped by."""
    symbols = {
        (kind, is_simulated): (
            f"{'SIM:' if is_simulated else ''}{kind.upper()}",
            records.add_instrument(
                connection,
                f"{'SIM:' if is_simulated else ''}{kind.upper()}",
                asset_class=kind,
                is_simulated=is_simulated,
            ),
        )
        for kind, is_simulated in itertools.product(CLASSES, (False, True))
    }
    versions = {key: records.add_strategy(connection, *key) for key in STRATEGIES}
    found = []
    for hour, (origin, (kind, is_simulated), version, timeframe, made) in enumerate(signals):
        symbol, instrument_id = symbols[kind, is_simulated]
        close_at = CLOSE + timedelta(hours=hour)
        changes = {"origin": origin, "timeframe": timeframe}
        records.add_signal(connection, instrument_id, versions[version], close_at, stored(made), **changes)
        key = {
            "strategy": version[0],
            "strategy_version": version[1],
            "symbol": symbol,
            "asset_class": kind,
            "timeframe": timeframe,
            "origin": origin,
            "is_simulated": is_simulated,
            "exit_day": made.exit_at and made.exit_at.replace(hour=0, minute=0),
            "close_at": close_at,
        }
        found.append((key, Made(**{**vars(made), "asset_class": kind})))
    return found


def grouped(signals: list[tuple[Key, Made]], names: Sequence[str]) -> dict[tuple[Any, ...], list[Made]]:
    groups: dict[tuple[Any, ...], list[Made]] = {}
    for key, made in signals:
        groups.setdefault(tuple(key[name] for name in (*names, "origin", "is_simulated")), []).append(made)
    return groups
