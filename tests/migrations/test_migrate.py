"""`signalhub migrate`: revisions, the edition's pin, two at once, and what was released stays as it was."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from signalhub import resources
from signalhub.db import edition, migrate, readiness, revisions
from signalhub.db.edition import POSTGRES, TIMESCALE
from signalhub.db.engine import checked, create_engine
from signalhub.errors import EditionMismatch, SchemaOutdated
from tests.migrations.database_facts import fingerprint, query
from tests.servers import execute

HEAD = readiness.head()


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[sqlalchemy.Engine]:
    """An engine on an empty database."""
    made = create_engine(empty_database_url)
    yield made
    made.dispose()


@pytest.fixture
def migrated(database_url: str) -> Iterator[sqlalchemy.Engine]:
    """An engine on a migrated database."""
    made = create_engine(database_url)
    yield made
    made.dispose()


def test_an_empty_database_is_brought_to_the_newest_revision(engine: sqlalchemy.Engine, edition: str) -> None:
    done = migrate.upgrade(engine)
    assert (done.edition, done.revision_before, done.revision) == (edition, None, HEAD)
    assert "3_views/20_analytics_bars.sql" in done.derived
    assert not done.is_unchanged
    assert checked(engine, may_migrate=False).edition == edition
    assert query(engine, "SELECT count(*) FROM analytics.bars") == [(0,)]


def test_a_second_migrate_changes_nothing(migrated: sqlalchemy.Engine) -> None:
    before = fingerprint(migrated)
    done = migrate.upgrade(migrated)
    assert done.is_unchanged
    assert fingerprint(migrated) == before


def test_the_newest_revision_goes_down_and_up_again(migrated: sqlalchemy.Engine) -> None:
    before = fingerprint(migrated, with_oids=False)
    below = "-1"
    down = migrate.downgrade(migrated, below)
    assert down.revision_before == HEAD
    assert down.revision != HEAD
    assert not query(migrated, "SELECT 1 FROM pg_views WHERE schemaname = 'analytics'")
    assert migrate.upgrade(migrated).revision == HEAD
    assert fingerprint(migrated, with_oids=False) == before


def test_taking_everything_down_leaves_no_object_of_ours(migrated: sqlalchemy.Engine) -> None:
    migrate.downgrade(migrated, "base")
    left = query(migrated, "SELECT nspname FROM pg_namespace WHERE nspname IN ('market', 'engine', 'ta', 'analytics')")
    assert left == []
    assert migrate.downgrade(migrated, "base").revision is None
    assert migrate.upgrade(migrated).revision == HEAD


def test_the_edition_is_pinned_by_the_first_migrate_alone(migrated: sqlalchemy.Engine, edition: str) -> None:
    pinned = "SELECT key, value FROM market.meta WHERE key IN ('edition', 'made_at') ORDER BY key"
    before = query(migrated, pinned)
    assert before[0] == ("edition", edition)
    migrate.upgrade(migrated)
    assert query(migrated, pinned) == before


def test_a_database_made_on_timescale_refuses_a_plain_server(migrated: sqlalchemy.Engine, edition: str) -> None:
    if edition == TIMESCALE:
        pytest.skip("needs a server without the extension")
    with migrated.begin() as connection:
        connection.exec_driver_sql("UPDATE market.meta SET value = 'timescale' WHERE key = 'edition'")
    before = fingerprint(migrated)
    for attempt in (lambda: migrate.upgrade(migrated), lambda: checked(migrated, may_migrate=False)):
        with pytest.raises(EditionMismatch, match=r"made on TimescaleDB.*SIGNALHUB_DATABASE_URL"):
            attempt()
    assert fingerprint(migrated) == before


def test_a_database_made_plain_stays_plain_where_the_extension_appears(
    migrated: sqlalchemy.Engine, edition: str
) -> None:
    if edition == POSTGRES:
        pytest.skip("needs a server with the extension")
    migrate.downgrade(migrated, "base")
    with migrated.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA market")
        connection.exec_driver_sql("CREATE TABLE market.meta (key text PRIMARY KEY, value text NOT NULL)")
        connection.exec_driver_sql("INSERT INTO market.meta VALUES ('edition', 'postgres')")
        assert _pinned(connection) == POSTGRES


def _pinned(connection: sqlalchemy.Connection) -> str | None:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return edition.check(driver)


def test_a_database_that_was_never_migrated_says_what_to_do(engine: sqlalchemy.Engine) -> None:
    with pytest.raises(
        SchemaOutdated, match=rf"at revision empty; this program needs {HEAD}\. Run `signalhub migrate`"
    ):
        checked(engine, may_migrate=False)


def test_a_database_of_a_newer_program_says_so_and_is_left_alone(migrated: sqlalchemy.Engine) -> None:
    with migrated.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {readiness.VERSION_TABLE} SET version_num = '9999'")
    before = fingerprint(migrated)
    attempts = (
        lambda: checked(migrated, may_migrate=False),
        lambda: checked(migrated, may_migrate=True),
        lambda: migrate.upgrade(migrated),
    )
    for attempt in attempts:
        with pytest.raises(SchemaOutdated, match=r"revision 9999, newer than this program's .*: update Signalhub"):
            attempt()
    assert fingerprint(migrated) == before


def test_changed_derived_files_make_the_database_outdated(migrated: sqlalchemy.Engine) -> None:
    with migrated.begin() as connection:
        connection.exec_driver_sql("UPDATE market.meta SET value = 'other' WHERE key = 'derived_sha256'")
    with pytest.raises(SchemaOutdated):
        checked(migrated, may_migrate=False)
    migrate.upgrade(migrated)
    checked(migrated, may_migrate=False)


def test_two_migrates_at_once_both_succeed_and_one_does_the_work(empty_database_url: str) -> None:
    done: list[migrate.Migrated] = []

    def work() -> None:
        engine = create_engine(empty_database_url)
        try:
            done.append(migrate.upgrade(engine))
        finally:
            engine.dispose()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(item.is_unchanged for item in done) == [False, True]
    assert {item.revision for item in done} == {HEAD}


def test_a_search_path_of_the_operators_own_does_not_matter(empty_database_url: str) -> None:
    name = sqlalchemy.make_url(empty_database_url).database
    engine = create_engine(empty_database_url)
    migrate.upgrade(engine)
    execute(empty_database_url, f"ALTER DATABASE {name} SET search_path = analytics, market, ta, public")
    engine.dispose()
    before = fingerprint(engine)
    assert migrate.upgrade(engine).is_unchanged
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE market.derived_objects SET sha256 = ''")
    migrate.upgrade(engine)
    assert query(engine, "SELECT path, identities FROM market.derived_objects ORDER BY path") == before["identities"]
    migrate.downgrade(engine, "base")
    assert migrate.upgrade(engine).revision == HEAD
    engine.dispose()


def test_the_migrations_may_lie_in_a_folder_with_a_percent_sign(
    engine: sqlalchemy.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sql", "migrations"):
        shutil.copytree(resources.folder(name), tmp_path / "100%(s)" / name)
    monkeypatch.setattr(resources, "folder", lambda name: tmp_path / "100%(s)" / name)
    assert migrate.upgrade(engine).revision == HEAD


def test_no_released_revision_was_edited() -> None:
    folder = resources.folder("sql") / "revisions"
    released = revisions.released_hashes()
    assert released, "released.sha256 lists nothing: run scripts/release-revision"
    edited = [name for name, digest in released.items() if revisions.sha256(folder / name) != digest]
    assert edited == [], f"released revisions are never edited, write a new one instead of changing {edited}"


def test_every_revision_is_listed_as_released() -> None:
    names = {path.name for path in (resources.folder("sql") / "revisions").glob("*.sql")}
    missing = sorted(names - set(revisions.released_hashes()))
    assert missing == [], f"run scripts/release-revision: {missing}"


def test_every_revision_of_alembic_has_its_sql_both_ways() -> None:
    versions = (resources.folder("migrations") / "versions").glob("[0-9]*.py")
    folder = resources.folder("sql") / "revisions"
    for path in versions:
        assert (folder / f"{path.stem}.up.sql").exists(), path.stem
        assert (folder / f"{path.stem}.down.sql").exists(), path.stem
