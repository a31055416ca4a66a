"""Alembic's entry: runs the revisions on the connection that signalhub.db.migrate hands over.

The transaction, the lock and the edition belong to the caller; there is no offline mode.
"""

from alembic import context

from signalhub.db.readiness import VERSION_TABLE

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("Run `signalhub migrate`: the revisions need its lock, edition and transaction.")

context.configure(connection=connection, version_table=VERSION_TABLE, transaction_per_migration=False)
context.run_migrations()
