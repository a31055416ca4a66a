"""What others built on our functions and views survives an edit, or the edit is refused by its name."""

from __future__ import annotations

import pytest

from signalhub.db import migrate, readiness
from signalhub.errors import MigrationRefused
from tests.migrations.database_facts import fingerprint, query
from tests.migrations.derived_tree import (
    BARS,
    CLOSED,
    EMA,
    EXPECTED,
    INDICATORS,
    NEW_COLUMN,
    OTHER_ORDER,
    QUALITY,
    Tree,
    columns,
    oid,
    overloads,
)
from tests.servers import execute


def test_a_view_that_somebody_built_on_ours_survives_migrate(tree: Tree) -> None:
    execute(tree.url, "CREATE VIEW public.theirs AS SELECT symbol, close FROM analytics.bars")
    before = fingerprint(tree.engine)
    assert tree.migrate() == []
    assert fingerprint(tree.engine) == before


def test_a_compatible_change_replaces_our_view_under_theirs(tree: Tree) -> None:
    execute(tree.url, "CREATE VIEW public.theirs AS SELECT symbol, close FROM analytics.bars")
    theirs, ours = oid(tree, "public.theirs"), oid(tree, "analytics.bars")
    tree.edit(BARS, NEW_COLUMN)
    assert tree.migrate() == [BARS]
    assert (oid(tree, "public.theirs"), oid(tree, "analytics.bars")) == (theirs, ours)
    assert columns(tree, "analytics.bars")[-1] == "added"
    assert tree.migrate() == []


@pytest.mark.parametrize("theirs", ["VIEW", "MATERIALIZED VIEW"])
def test_an_incompatible_change_under_their_view_is_refused_by_name(tree: Tree, theirs: str) -> None:
    execute(tree.url, f"CREATE {theirs} public.theirs AS SELECT symbol, close FROM analytics.bars")
    tree.edit(BARS, OTHER_ORDER)
    assert tree.is_refused("public.theirs")


def test_a_change_far_below_their_view_is_refused_by_name(tree: Tree) -> None:
    execute(tree.url, "CREATE VIEW public.theirs AS SELECT symbol, close FROM analytics.bars")
    tree.edit(CLOSED, ("    b.open_at,\n    b.close_at,\n", "    b.close_at,\n    b.open_at,\n"))
    assert tree.is_refused("public.theirs")


def test_other_things_that_hang_on_ours_are_refused_by_name_too(tree: Tree) -> None:
    execute(
        tree.url,
        "CREATE FUNCTION public.theirs() RETURNS SETOF analytics.bars LANGUAGE sql AS 'SELECT * FROM analytics.bars'",
    )
    tree.edit(BARS, OTHER_ORDER)
    assert tree.is_refused("public.theirs")


def test_a_function_under_their_view_is_refused_by_name(tree: Tree) -> None:
    execute(tree.url, "CREATE VIEW public.theirs AS SELECT ta.ema(close, 9) AS e FROM market.bars")
    tree.edit(EMA, ("ta.ema(x float8, period int)", "ta.ema(x float8, period bigint)"))
    tree.edit(EMA, ("state float8[], x float8, period int)", "state float8[], x float8, period bigint)"))
    tree.edit(EMA, ("state[1]::bigint + 1, period)", "state[1]::bigint + 1, period::int)"))
    assert tree.is_refused("public.theirs")


def test_grants_of_others_are_put_back_on_a_view_that_was_made_again(tree: Tree, reader: str) -> None:
    execute(
        tree.url,
        f"GRANT SELECT ON analytics.bars TO {reader} WITH GRANT OPTION",
        f"GRANT SELECT ON market.closed_bars TO {reader}",
        "GRANT SELECT ON analytics.bars TO PUBLIC",
    )
    granted = """
        SELECT table_name, grantee, privilege_type, is_grantable FROM information_schema.role_table_grants
        WHERE table_name IN ('bars', 'closed_bars') AND table_schema IN ('analytics', 'market') ORDER BY 1, 2, 3
    """
    before = query(tree.engine, granted)
    assert (reader in {row[1] for row in before}, "PUBLIC" in {row[1] for row in before}) == (True, True)
    tree.edit(CLOSED, ("    b.open_at,\n    b.close_at,\n", "    b.close_at,\n    b.open_at,\n"))
    tree.migrate()
    assert query(tree.engine, granted) == before


def test_the_analyst_reads_what_is_new_and_no_table(tree: Tree) -> None:
    tree.write("3_views/99_more.sql", "-- Purpose: more.\nCREATE OR REPLACE VIEW analytics.more AS\nSELECT 1 AS one;\n")
    tree.migrate()
    may = "SELECT has_table_privilege('signalhub_analyst', '{}', 'SELECT')"
    assert query(tree.engine, may.format("analytics.more")) == [(True,)]
    assert query(tree.engine, may.format("market.bars")) == [(False,)]


def test_a_removed_file_under_their_view_is_refused_by_name(tree: Tree) -> None:
    execute(tree.url, "CREATE VIEW public.theirs AS SELECT symbol FROM analytics.indicators")
    (tree.folder / INDICATORS).unlink()
    readiness.derived_digest.cache_clear()
    assert tree.is_refused("public.theirs")


def test_a_renumbered_file_leaves_the_object_and_their_view_alone(tree: Tree) -> None:
    execute(tree.url, "CREATE VIEW public.theirs AS SELECT symbol, close FROM analytics.bars")
    before = oid(tree, "analytics.bars"), oid(tree, "public.theirs")
    moved = "3_views/25_analytics_bars.sql"
    tree.move(BARS, moved)
    assert tree.migrate() == [moved, BARS]
    assert (oid(tree, "analytics.bars"), oid(tree, "public.theirs")) == before
    assert tree.migrate() == []


def test_somebody_elses_overload_of_our_function_is_not_taken_for_ours(tree: Tree) -> None:
    execute(tree.url, "CREATE FUNCTION market.expected_bars(integer) RETURNS integer LANGUAGE sql RETURN $1")
    tree.edit(EXPECTED, ("RETURNS bigint", "RETURNS numeric"))
    tree.migrate()
    for name in (BARS, QUALITY, EXPECTED):
        (tree.folder / name).unlink()
    readiness.derived_digest.cache_clear()
    tree.migrate()
    assert overloads(tree, "expected_bars") == ["market.expected_bars(integer)"]


def test_going_down_under_their_view_is_refused_by_name(tree: Tree) -> None:
    execute(tree.url, "CREATE VIEW public.theirs AS SELECT symbol, close FROM analytics.bars")
    before = fingerprint(tree.engine)
    with pytest.raises(MigrationRefused, match=r"public\.theirs"):
        migrate.downgrade(tree.engine, "base")
    assert fingerprint(tree.engine) == before
