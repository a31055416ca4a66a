"""The database room: engine, embedded server, edition, named queries, migrations, bulk copy."""
