"""docs/how-to/add-an-indicator.md, followed literally in a copy of the source: the example's column is there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg

from signalhub.domain.timeframe import H1
from tests.acceptance.commands import environment
from tests.bench.market import walk

ROOT = Path(__file__).parents[2]
COPIED = ("signalhub", "sql", "migrations", "scripts", "docs")
PAGE = (ROOT / "docs/how-to/add-an-indicator.md").read_text(encoding="utf-8")
STATE, COLUMN, UP, DOWN, VERSION = (
    re.sub(r"^   ", "", block, flags=re.MULTILINE)
    for block in re.findall(r"```(?:sql|python)\n(.*?)   ```", PAGE, re.DOTALL)
)
LATEST = max(path.name for path in (ROOT / "migrations/versions").glob("0*.py")).removesuffix(".py")
COMPARED = """
SELECT count(i.ema_34), count(*) FILTER (WHERE c.called IS DISTINCT FROM i.ema_34)
FROM analytics.indicators AS i INNER JOIN (
    SELECT open_at, ta.ema(close, 34) OVER (ORDER BY open_at) AS called
    FROM analytics.adjusted_bars WHERE symbol = 'AAA/USDT' AND timeframe = '1h'
) AS c ON i.open_at = c.open_at
WHERE i.symbol = 'AAA/USDT' AND i.timeframe = '1h'
"""


def declared(text: str) -> str:
    """sql/indicators.sql with the page's lines at the end of their sections."""
    above, columns = text.split("\n-- section: columns\n")
    with_state = re.sub(r"\nFROM bar;", lambda match: f",\n{STATE.rstrip().rstrip(',')}{match[0]}", above)
    body, end = columns.rsplit("\nFROM values;", 1)
    last = re.sub(r" -- (from bar .*)$", r", -- \1", body)
    return f"{with_state}\n-- section: columns\n{last}\n{COLUMN.rstrip()}\nFROM values;{end}"


def add_revision(source: Path) -> None:
    """The page's three files; its number is the one after the page's writing, the one before it the latest there is."""
    for kind, text in (("up", UP), ("down", DOWN)):
        (source / f"sql/revisions/9999_ema_34.{kind}.sql").write_text(text, encoding="utf-8")
    version = VERSION.replace("0008", "9999").replace('"0007"', f'"{LATEST[:4]}"')
    (source / "migrations/versions/9999_ema_34.py").write_text(version, encoding="utf-8")


def run(source: Path, env: dict[str, str], *words: object) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        env=env,
        cwd=source,
        text=True,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def test_the_example_s_column_is_computed_over_the_whole_history(url: str, tmp_path: Path) -> None:
    source, home = tmp_path / "source", tmp_path / "home"
    for name in COPIED:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    env = environment(home, url)
    walk(700, H1, 1).drop("turnover").write_csv(tmp_path / "AAAUSDT_1h__desk.csv")
    run(source, env, "-m", "signalhub", "migrate")
    run(source, env, "-m", "signalhub", "import", tmp_path / "AAAUSDT_1h__desk.csv")

    lines = source / "sql/indicators.sql"
    lines.write_text(declared(lines.read_text(encoding="utf-8")), encoding="utf-8")
    assert "docs/indicators.md written." in run(source, env, "scripts/write-indicators")
    add_revision(source)
    run(source, env, "scripts/release-revision")
    run(source, env, "-m", "signalhub", "migrate")
    walk(760, H1, 1).drop("turnover").write_csv(tmp_path / "AAAUSDT_1h__desk.csv")
    run(source, env, "-m", "signalhub", "import", tmp_path / "AAAUSDT_1h__desk.csv")

    with psycopg.connect(url) as connection:
        assert connection.execute(COMPARED).fetchone() == (760 - 33, 0)
        told = "SELECT call, first_bar, talib FROM analytics.indicator_catalogue WHERE column_name = 'ema_34'"
        assert connection.execute(told).fetchone() == (
            "ta.ema(close, 34) OVER (PARTITION BY symbol ORDER BY open_at)", 34, "EMA",
        )  # fmt: skip
