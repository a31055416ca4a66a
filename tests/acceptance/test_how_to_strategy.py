"""docs/how-to/add-a-strategy.md, followed literally in a copy of the source: one file is a working strategy."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from signalhub.domain.timeframe import H1
from tests.acceptance.commands import environment
from tests.bench.market import walk

ROOT = Path(__file__).parents[2]
COPIED = ("signalhub", "sql", "migrations", "scripts", "docs", "tests", "pyproject.toml", "alembic.ini")
PAGE = (ROOT / "docs/how-to/add-a-strategy.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(FILE,) = re.findall(r"This one goes to\n`([\w/.]+)`", PAGE)
COMMANDS = [line.split() for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
PROGRAMS = {
    "signalhub": ("-m", "signalhub"),
    # What scripts/test runs when it has made its environment.
    "scripts/test": ("-m", "pytest", "-q", "-p", "no:cacheprovider"),
    "scripts/write-strategy-pages": ("scripts/write-strategy-pages",),
}


def run(source: Path, env: Mapping[str, str], *words: str) -> str:
    program, *rest = words
    done = subprocess.run(
        [sys.executable, *PROGRAMS[program], *rest],
        env=env,
        cwd=source,
        text=True,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done
    return done.stdout


def test_the_example_is_a_strategy_of_the_house_in_one_file(url: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    env = environment(tmp_path / "home", url)
    for number, name in enumerate(("AAAUSDT", "BBBUSDT"), 1):
        walk(900, H1, number).drop("turnover").write_csv(tmp_path / f"{name}_1h__desk.csv")
    run(source, env, "signalhub", "migrate")
    run(source, env, "signalhub", "import", str(tmp_path / "AAAUSDT_1h__desk.csv"))
    run(source, env, "signalhub", "import", str(tmp_path / "BBBUSDT_1h__desk.csv"))

    (source / FILE).write_text(EXAMPLE, encoding="utf-8")
    said = {" ".join(words[:2]): run(source, env, *words) for words in COMMANDS}

    assert "It does not look ahead" in said["signalhub check-strategy"]
    signals = json.loads(run(source, env, "signalhub", "signals", "--strategy", "aroon_turn", "--json"))
    assert {one["direction"] for one in signals} == {"long", "short"}
    assert {one["origin"] for one in signals} == {"replay"}
    assert "aroon_turn" in said["signalhub signals"]
    tried = ("backtest", "--strategy", "aroon_turn", "--timeframe", "1h", "--all", "--json")
    found = json.loads(run(source, env, "signalhub", *tried))
    assert {(one["symbol"], one["close_at"], one["score"]) for one in found["signals"]} == {
        (one["symbol"], one["close_at"], one["score"]) for one in signals if one["timeframe"] == "1h"
    }
    assert (source / "docs/strategies/aroon_turn.svg").is_file()
    assert "failed" not in said["scripts/test tests/contracts"]
    assert re.search(r"\d\d passed", said["scripts/test tests/contracts"])
