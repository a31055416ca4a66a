"""Functions and views of sql/derived are edited in place: changed, renamed, renumbered, removed."""

from __future__ import annotations

import pytest

from signalhub.db import migrate, readiness
from tests.migrations.database_facts import fingerprint, query
from tests.migrations.derived_tree import (
    BARS,
    CLOSED,
    EXPECTED,
    INDICATORS,
    NEW_COLUMN,
    OTHER_ORDER,
    OUTCOMES,
    PERFORMANCE,
    QUALITY,
    Tree,
    columns,
    oid,
    overloads,
)


def test_an_incompatible_change_remakes_what_of_ours_hangs_on_it(tree: Tree) -> None:
    old = oid(tree, "analytics.bars")
    indicators = oid(tree, "analytics.indicators")
    tree.edit(CLOSED, ("    b.open_at,\n    b.close_at,\n", "    b.close_at,\n    b.open_at,\n"))
    applied = tree.migrate()
    assert applied[:2] == [CLOSED, BARS]
    assert oid(tree, "analytics.bars") not in (None, old)
    assert oid(tree, "analytics.indicators") == indicators
    assert tree.migrate() == []


def test_a_removed_file_drops_its_object_and_nothing_else(tree: Tree) -> None:
    bars = oid(tree, "analytics.bars")
    (tree.folder / INDICATORS).unlink()
    readiness.derived_digest.cache_clear()
    assert tree.migrate() == [INDICATORS]
    assert (oid(tree, "analytics.indicators"), oid(tree, "analytics.bars")) == (None, bars)


def test_a_removed_file_that_ours_still_needs_is_an_error_and_changes_nothing(tree: Tree) -> None:
    before = fingerprint(tree.engine)
    (tree.folder / CLOSED).unlink()
    readiness.derived_digest.cache_clear()
    with pytest.raises(Exception, match=r"market\.closed_bars"):
        migrate.upgrade(tree.engine)
    assert fingerprint(tree.engine) == before


def test_a_view_by_another_name_takes_the_place_of_the_old_one(tree: Tree) -> None:
    tree.edit(INDICATORS, ("VIEW analytics.indicators", "VIEW analytics.readings"))
    tree.migrate()
    assert oid(tree, "analytics.indicators") is None
    assert oid(tree, "analytics.readings") is not None


def test_a_function_is_replaced_in_place(tree: Tree) -> None:
    (before,) = query(tree.engine, "SELECT oid::bigint FROM pg_proc WHERE proname = 'expected_bars'")
    tree.edit(EXPECTED, ("WHEN expected_bars.calendar = '24/7'", "WHEN expected_bars.calendar IN ('24/7', 'always')"))
    assert tree.migrate() == [EXPECTED]
    assert query(tree.engine, "SELECT oid::bigint FROM pg_proc WHERE proname = 'expected_bars'") == [before]


def test_a_changed_signature_leaves_the_new_function_alone(tree: Tree) -> None:
    tree.edit(EXPECTED, ("timeframe text, from_at", "timeframe text, extra integer, from_at"))
    tree.edit(BARS, ("b.base_timeframe, b.open_at, b.close_at)", "b.base_timeframe, 0, b.open_at, b.close_at)"))
    tree.edit(QUALITY, ("i.calendar, b.timeframe, p.", "i.calendar, b.timeframe, 0, p."))
    assert tree.migrate()[:2] == [EXPECTED, BARS]
    assert overloads(tree, "expected_bars") == [
        "market.expected_bars(text,text,integer,timestamp with time zone,timestamp with time zone)"
    ]
    assert tree.migrate() == []


def test_a_signature_that_grows_a_default_is_not_ambiguous(tree: Tree) -> None:
    tree.edit(EXPECTED, ("to_at timestamptz\n)", "to_at timestamptz, extra integer DEFAULT 0\n)"))
    tree.migrate()
    assert len(overloads(tree, "expected_bars")) == 1
    assert query(tree.engine, "SELECT count(*) FROM analytics.bars WHERE is_complete") == [(0,)]


def test_a_changed_result_type_makes_the_function_and_our_dependents_again(tree: Tree) -> None:
    tree.edit(EXPECTED, ("RETURNS bigint", "RETURNS numeric"))
    assert tree.migrate()[:2] == [EXPECTED, BARS]


@pytest.mark.parametrize("number", ["19", "21_1"])
def test_a_function_of_another_result_type_may_come_from_a_file_that_was_renumbered(tree: Tree, number: str) -> None:
    moved = f"2_functions/{number}_expected_bars.sql"
    tree.edit(EXPECTED, ("RETURNS bigint", "RETURNS numeric"))
    tree.move(EXPECTED, moved)
    applied = tree.migrate()
    assert applied[:2] == [moved, BARS]
    assert EXPECTED in applied
    made = "SELECT pg_get_function_result(oid) FROM pg_proc WHERE proname = 'expected_bars'"
    assert query(tree.engine, made) == [("numeric",)]
    assert tree.migrate() == []


def test_a_function_that_becomes_an_aggregate_is_made_again(tree: Tree) -> None:
    name = "1_ta/90_last.sql"
    tree.write(
        name,
        "-- Purpose: a test.\nCREATE OR REPLACE FUNCTION ta.latest_value(x float8) RETURNS float8\n"
        "LANGUAGE sql IMMUTABLE RETURN x;\n",
    )
    tree.migrate()
    tree.write(
        name,
        "-- Purpose: a test.\nCREATE OR REPLACE AGGREGATE ta.latest_value(x float8) (SFUNC=float8pl, STYPE=float8);\n",
    )
    assert tree.migrate() == [name]
    assert query(tree.engine, "SELECT prokind FROM pg_proc WHERE proname = 'latest_value' AND pronargs = 1") == [("a",)]


def test_an_object_above_another_is_found_whatever_the_order_of_both_changes(tree: Tree) -> None:
    tree.edit(CLOSED, ("    b.open_at,\n    b.close_at,\n", "    b.close_at,\n    b.open_at,\n"))
    tree.edit(BARS, NEW_COLUMN, OTHER_ORDER)
    assert tree.migrate()[:2] == [CLOSED, BARS]
    assert columns(tree, "analytics.bars")[-1] == "added"


def test_a_view_below_a_function_below_views_is_made_again_with_all_of_them(tree: Tree) -> None:
    tree.edit(OUTCOMES, ("    s.signal_id,\n    s.origin,\n", "    s.origin,\n    s.signal_id,\n"))
    above = [name for name in sorted(tree.names()) if OUTCOMES < name < "3_views/60" and "48_open" not in name]
    assert tree.migrate() == [OUTCOMES, *above]
    assert tree.migrate() == []
    assert query(tree.engine, "SELECT count(*) FROM analytics.performance_daily") == [(0,)]


def test_a_statistic_of_another_type_is_made_again_with_the_views_that_show_it(tree: Tree) -> None:
    tree.edit(PERFORMANCE, ("    n_won bigint,", "    n_won numeric,"))
    assert tree.migrate()[:2] == [PERFORMANCE, "3_views/50_performance_by_strategy.sql"]
    assert tree.migrate() == []
