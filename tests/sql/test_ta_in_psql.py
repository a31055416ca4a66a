"""docs/how-to/use-ta-in-psql.md is followed literally, in a plain psql session with an empty search path."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from pathlib import Path

import psycopg
import pytest

from signalhub.db.embedded_binaries import PROGRAMS, WHEEL

PAGE = Path(__file__).parents[2] / "docs/how-to/use-ta-in-psql.md"
BLOCK = re.compile(r"```(?P<kind>sql|text)\n(?P<text>.*?)```", re.DOTALL)
CUT = "-- next --"


def _blocks() -> list[tuple[str, str]]:
    return [(match["kind"], match["text"]) for match in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))]


def _psql(url: str, script: str) -> str:
    """What the psql of the embedded wheel prints."""
    spec = importlib.util.find_spec(WHEEL)
    assert spec is not None
    assert spec.origin is not None
    program = Path(spec.origin).parents[1] / PROGRAMS / "bin" / "psql"
    run = subprocess.run(
        [program, "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", url],
        input=script, text=True, capture_output=True, timeout=120, check=False,
        env={**os.environ, "PGOPTIONS": "-c search_path=", "PAGER": ""},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def answers(shared_url: str) -> list[str]:
    """What psql prints after each block of SQL, one session for all; the last one a value a line."""
    statements = [text for kind, text in _blocks() if kind == "sql"]
    *shown, last = statements
    script = f"\n\\echo '{CUT}'\n".join([*shown, last.rstrip().removesuffix(";") + "\n\\gx\n"])
    return _psql(shared_url, script).split(f"{CUT}\n")


def test_psql_prints_what_the_page_shows(answers: list[str]) -> None:
    shown = [text for kind, text in _blocks() if kind == "text"]
    assert len(shown) == 3
    assert [answer.strip() for answer in answers[1:-1]] == [text.strip() for text in shown]


def test_every_public_function_is_on_the_page_and_has_a_value(answers: list[str], shared_url: str) -> None:
    with psycopg.connect(shared_url) as connection:
        found = connection.execute(
            "SELECT DISTINCT proname::text FROM pg_proc WHERE pronamespace = 'ta'::regnamespace AND prokind = 'a'"
        ).fetchall()
    aggregates = {name for (name,) in found if not name.endswith("_state")}
    values = dict(re.findall(r"^(\w+) +\|(.*)$", answers[-1], re.MULTILINE))
    assert aggregates <= values.keys()
    assert [name for name, value in values.items() if not value.strip() or "NaN" in value] == []
