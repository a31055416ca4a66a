"""Puts made-up series into temporary tables and reads indicator columns back, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import psycopg

from signalhub.resources import folder
from tests.sql.ta_series import Floats, Series

Columns: TypeAlias = dict[str, Floats]

FORMULA = (folder("sql") / "derived" / "3_views" / "14_indicator_rows.sql").read_text()
# The columns as market.indicator_rows computes them, over a relation `input` of the test's own.
COMPUTED = "WITH framed" + FORMULA.split("\nframed")[1].split("\n\nSELECT\n    c.")[0] + "\nSELECT * FROM computed"
STATES = [
    "ema_9",
    "ema_21",
    "ema_50",
    "macd_fast",
    "macd_slow",
    "macd_signal",
    "gain",
    "loss",
    "atr",
    "plus_dm",
    "minus_dm",
    "tr",
    "adx",
    "obv",
]
SEEDS = [f"seed_{state}" for state in STATES]
FRIENDLY = """
    ta.ema(close, 9) OVER w AS ema_9,
    ta.ema(close, 21) OVER w AS ema_21,
    ta.ema(close, 50) OVER w AS ema_50,
    ta.rsi(close, 14) OVER w AS rsi_14,
    ta.macd(close, 12, 26, 9) OVER w AS macd_12_26_9,
    ta.macd_signal(close, 12, 26, 9) OVER w AS macd_signal_12_26_9,
    ta.macd_hist(close, 12, 26, 9) OVER w AS macd_hist_12_26_9,
    ta.atr(high, low, close, 14) OVER w AS atr_14,
    ta.adx(high, low, close, 14) OVER w AS adx_14,
    ta.obv(close, volume) OVER w AS obv
"""


def load_history(connection: psycopg.Connection, instruments: Sequence[Series]) -> None:
    """Makes `history`, one row per bar; instrument_id counts from 0, open_at and n from 1."""
    connection.execute("DROP TABLE IF EXISTS history")
    connection.execute(
        "CREATE TEMPORARY TABLE history (instrument_id int, open_at bigint, n bigint, "
        "high float8, low float8, close float8, volume float8)"
    )
    with connection.cursor().copy("COPY history FROM STDIN") as copy:
        for number, bars in enumerate(instruments):
            columns = (bars.high.tolist(), bars.low.tolist(), bars.close.tolist(), bars.volume.tolist())
            for n, values in enumerate(zip(*columns, strict=True), start=1):
                copy.write_row((number, n, n, *values))


def load_input(connection: psycopg.Connection) -> None:
    """Makes `input`, what the compute query reads: the whole history as new bars, nothing to resume from."""
    seeds = ", ".join(f"NULL::float8 AS {seed}" for seed in SEEDS)
    connection.execute("DROP TABLE IF EXISTS input")
    connection.execute(f"CREATE TEMPORARY TABLE input AS SELECT *, TRUE AS is_new, {seeds} FROM history")


def compute(connection: psycopg.Connection, query: str) -> Columns:
    """The query's columns in the order of its column n, NULL as NaN."""
    with connection.cursor(binary=True) as cursor:
        rows = cursor.execute(f"SELECT * FROM ({query}) AS computed ORDER BY n").fetchall()
        names = [column.name for column in cursor.description or ()]
    values = np.array(rows, dtype=np.float64).reshape(len(rows), len(names))
    return {name: values[:, i].copy() for i, name in enumerate(names)}
