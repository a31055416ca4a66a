"""Functions and views of sql/derived are edited in place; what others built on them is never harmed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy

from signalhub import resources
from signalhub.db import migrate, readiness
from signalhub.db.engine import checked, create_engine
from signalhub.errors import MigrationRefused
from tests.migrations.database_facts import fingerprint, query
from tests.servers import execute

BARS = "3_views/20_analytics_bars.sql"
INDICATORS = "3_views/30_analytics_indicators.sql"
CLOSED = "3_views/10_closed_bars.sql"
EXPECTED = "2_functions/20_expected_bars.sql"
EMA = "1_ta/10_ema.sql"
ANALYST = "tests_reader_of_{database}"
NEW_COLUMN = (
    "    b.known_at\nFROM market.closed_bars",
    "    b.known_at,\n    1::integer AS added\nFROM market.closed_bars",
)
OTHER_ORDER = ("    b.open_at,\n    b.close_at,\n    b.open,", "    b.close_at,\n    b.open_at,\n    b.open,")


@dataclass
class Tree:
    """A copy of sql/derived that the program takes for its own, and a database migrated from the real one."""

    folder: Path
    engine: sqlalchemy.Engine
    url: str

    def edit(self, name: str, *changes: tuple[str, str]) -> None:
        text = (self.folder / name).read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.write(name, text)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        readiness.derived_digest.cache_clear()

    def move(self, name: str, to: str) -> None:
        (self.folder / name).rename(self.folder / to)
        readiness.derived_digest.cache_clear()

    def migrate(self) -> list[str]:
        applied = migrate.upgrade(self.engine).derived
        checked(self.engine, may_migrate=False)
        return applied

    def is_refused(self, name: str) -> bool:
        before = fingerprint(self.engine)
        with pytest.raises(MigrationRefused, match=rf"{name}.*Nothing was changed"):
            migrate.upgrade(self.engine)
        return fingerprint(self.engine) == before


@pytest.fixture
def tree(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tree]:
    shutil.copytree(resources.folder("sql"), tmp_path / "sql")
    real = resources.folder
    monkeypatch.setattr(resources, "folder", lambda name: tmp_path / name if name == "sql" else real(name))
    readiness.derived_digest.cache_clear()
    engine = create_engine(database_url)
    yield Tree(tmp_path / "sql" / "derived", engine, database_url)
    engine.dispose()
    readiness.derived_digest.cache_clear()


@pytest.fixture
def reader(tree: Tree) -> Iterator[str]:
    """A role of somebody else's; roles belong to the whole server."""
    name = ANALYST.format(database=sqlalchemy.make_url(tree.url).database)
    execute(tree.url, f"CREATE ROLE {name}")
    yield name
    execute(tree.url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def oid(tree: Tree, relation: str) -> int | None:
    ((found,),) = query(tree.engine, f"SELECT to_regclass('{relation}')::oid::bigint")
    return None if found is None else int(found)


def columns(tree: Tree, view: str) -> list[str]:
    listed = f"SELECT attname FROM pg_attribute WHERE attrelid = '{view}'::regclass AND attnum > 0 ORDER BY attnum"
    return [row[0] for row in query(tree.engine, listed)]


def overloads(tree: Tree, function: str) -> list[str]:
    found = query(tree.engine, f"SELECT oid::regprocedure::text FROM pg_proc WHERE proname = '{function}' ORDER BY 1")
    return [row[0] for row in found]


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


def test_an_incompatible_change_remakes_what_of_ours_hangs_on_it(tree: Tree) -> None:
    old = oid(tree, "analytics.bars")
    indicators = oid(tree, "analytics.indicators")
    tree.edit(CLOSED, ("    b.open_at,\n    b.close_at,\n", "    b.close_at,\n    b.open_at,\n"))
    applied = tree.migrate()
    assert applied[:2] == [CLOSED, BARS]
    assert oid(tree, "analytics.bars") not in (None, old)
    assert oid(tree, "analytics.indicators") == indicators
    assert tree.migrate() == []


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


def test_a_removed_file_drops_its_object_and_nothing_else(tree: Tree) -> None:
    bars = oid(tree, "analytics.bars")
    (tree.folder / INDICATORS).unlink()
    readiness.derived_digest.cache_clear()
    assert tree.migrate() == [INDICATORS]
    assert (oid(tree, "analytics.indicators"), oid(tree, "analytics.bars")) == (None, bars)


def test_a_removed_file_under_their_view_is_refused_by_name(tree: Tree) -> None:
    execute(tree.url, "CREATE VIEW public.theirs AS SELECT symbol FROM analytics.indicators")
    (tree.folder / INDICATORS).unlink()
    readiness.derived_digest.cache_clear()
    assert tree.is_refused("public.theirs")


def test_a_removed_file_that_ours_still_needs_is_an_error_and_changes_nothing(tree: Tree) -> None:
    before = fingerprint(tree.engine)
    (tree.folder / CLOSED).unlink()
    readiness.derived_digest.cache_clear()
    with pytest.raises(Exception, match=r"market\.closed_bars"):
        migrate.upgrade(tree.engine)
    assert fingerprint(tree.engine) == before


def test_a_renumbered_file_leaves_the_object_and_their_view_alone(tree: Tree) -> None:
    execute(tree.url, "CREATE VIEW public.theirs AS SELECT symbol, close FROM analytics.bars")
    before = oid(tree, "analytics.bars"), oid(tree, "public.theirs")
    moved = "3_views/25_analytics_bars.sql"
    tree.move(BARS, moved)
    assert tree.migrate() == [moved, BARS]
    assert (oid(tree, "analytics.bars"), oid(tree, "public.theirs")) == before
    assert tree.migrate() == []


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


def test_somebody_elses_overload_of_our_function_is_not_taken_for_ours(tree: Tree) -> None:
    execute(tree.url, "CREATE FUNCTION market.expected_bars(integer) RETURNS integer LANGUAGE sql RETURN $1")
    tree.edit(EXPECTED, ("RETURNS bigint", "RETURNS numeric"))
    tree.migrate()
    (tree.folder / BARS).unlink()
    (tree.folder / EXPECTED).unlink()
    readiness.derived_digest.cache_clear()
    tree.migrate()
    assert overloads(tree, "expected_bars") == ["market.expected_bars(integer)"]


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


def test_going_down_under_their_view_is_refused_by_name(tree: Tree) -> None:
    execute(tree.url, "CREATE VIEW public.theirs AS SELECT symbol, close FROM analytics.bars")
    before = fingerprint(tree.engine)
    with pytest.raises(MigrationRefused, match=r"public\.theirs"):
        migrate.downgrade(tree.engine, "base")
    assert fingerprint(tree.engine) == before
