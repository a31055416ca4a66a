"""Numbers of other indicator libraries, where they lie beside the project."""

from __future__ import annotations

import csv
import gzip

import numpy as np
import psycopg

from tests.sql.ta_oracles import PEERS
from tests.sql.ta_relations import load_history
from tests.sql.ta_series import Floats, Series


def dated(path: str) -> list[dict[str, str]]:
    """The rows of a file of numbers; those without a date are the peer's own future and left out."""
    with gzip.open(PEERS / path, "rt") as file:
        return [row for row in csv.DictReader(file) if row["ts"]]


def load_peer(connection: psycopg.Connection, path: str) -> dict[str, Floats]:
    """Makes `history` of the peer's bars; all columns of its file, NaN where it has no number."""
    rows = dated(path)
    columns = {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0] if name != "ts"}
    close = columns["close"]
    load_history(connection, [Series(columns.get("high", close), columns.get("low", close), close, close)])
    return columns
