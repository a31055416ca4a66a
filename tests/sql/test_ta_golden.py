"""Every indicator gives the golden tables' values, to the last bit, on both editions."""

from __future__ import annotations

import psycopg

from tests.sql.conftest import SeriesStore
from tests.sql.ta_calls import SCALARS, function
from tests.sql.ta_golden import CALLS, FOLDER, GOLDEN, golden_series, tables


def test_stored_columns_and_public_functions_give_the_golden_tables(series_store: SeriesStore) -> None:
    """Where a formula changed on purpose: scripts/write-golden-indicators, and read the difference."""
    length = len(golden_series().close)
    written = tables(series_store.stored(GOLDEN), series_store.public(GOLDEN, CALLS, length))
    golden = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.csv")}
    assert written.keys() == golden.keys()
    assert [name for name in golden if written[name] != golden[name]] == []


def test_every_public_aggregate_has_a_call_and_a_golden_table(connection: psycopg.Connection) -> None:
    """All aggregates but ta.x_state, which are for our own compute."""
    found = connection.execute(
        "SELECT DISTINCT proname::text FROM pg_proc WHERE pronamespace = 'ta'::regnamespace AND prokind = 'a'"
    ).fetchall()
    aggregates = {name for (name,) in found if not name.endswith("_state")}
    assert {function(call) for name, call in CALLS.items() if name not in SCALARS} == aggregates
    assert {path.stem for path in FOLDER.glob("*.csv")} == {"bars", *aggregates, *SCALARS}
