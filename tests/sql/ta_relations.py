"""Puts made-up series into temporary tables and reads indicator columns back, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import psycopg

from tests.sql.ta_series import Floats, Series

Columns: TypeAlias = dict[str, Floats]

FIRST = {
    "ema_9": "ta.ema(close, 9)",
    "ema_21": "ta.ema(close, 21)",
    "ema_50": "ta.ema(close, 50)",
    "rsi_14": "ta.rsi(close, 14)",
    "macd_12_26_9": "ta.macd(close, 12, 26, 9)",
    "macd_signal_12_26_9": "ta.macd_signal(close, 12, 26, 9)",
    "macd_hist_12_26_9": "ta.macd_hist(close, 12, 26, 9)",
    "atr_14": "ta.atr(high, low, close, 14)",
    "adx_14": "ta.adx(high, low, close, 14)",
    "obv": "ta.obv(close, volume)",
}
FRIENDLY = ", ".join(f"{call} OVER w AS {name}" for name, call in FIRST.items())


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


def compute(connection: psycopg.Connection, query: str) -> Columns:
    """The query's columns in the order of its column n, NULL as NaN."""
    with connection.cursor(binary=True) as cursor:
        rows = cursor.execute(f"SELECT * FROM ({query}) AS computed ORDER BY n").fetchall()
        names = [column.name for column in cursor.description or ()]
    values = np.array(rows, dtype=np.float64).reshape(len(rows), len(names))
    return {name: values[:, i].copy() for i, name in enumerate(names)}
