"""Files to import, and what came of them: on the screen, in the report and in the database."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import psycopg

START = datetime(2024, 3, 4, tzinfo=UTC)
HEADER = "ts,open,high,low,close,volume"


def lines(count: int = 3, step: timedelta = timedelta(hours=1), price: float = 100.0) -> list[str]:
    """Good rows, one per step."""
    times = (START + index * step for index in range(count))
    return [f"{at:%Y-%m-%dT%H:%M:%SZ},{price},{price + 2},{price - 2},{price + 1},5.5" for at in times]


def write(path: Path, rows: list[str], header: str = HEADER) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def ask(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def bars_of(url: str, symbol: str, timeframe: str = "1h") -> list[tuple[object, ...]]:
    where = f"WHERE symbol = '{symbol}' AND timeframe = '{timeframe}' AND bar_count > 0"
    return ask(url, f"SELECT open_at, open, high, low, close, volume FROM analytics.bars {where} ORDER BY open_at")


def instrument(url: str, symbol: str) -> list[tuple[object, ...]]:
    return ask(url, f"SELECT venue, asset_class, calendar FROM market.instruments WHERE symbol = '{symbol}'")


def assert_refused(done: CompletedProcess[str], *parts: str, code: int = 1) -> None:
    """One line on stderr that says all this, and nothing else anywhere."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert done.stderr.startswith("signalhub: ")
    assert done.stderr.count("\n") == 1, done.stderr
    for part in parts:
        assert part in done.stderr


def assert_said(done: CompletedProcess[str], *parts: str, code: int = 0) -> None:
    assert (done.returncode, done.stderr) == (code, ""), done.stderr
    for part in parts:
        assert part in done.stdout


def report_of(done: CompletedProcess[str]) -> list[dict[str, str]]:
    line = next(line for line in done.stdout.splitlines() if line.startswith("Rejected rows"))
    with Path(line.rpartition(": ")[2]).open(encoding="utf-8") as report:
        return list(csv.DictReader(report))
