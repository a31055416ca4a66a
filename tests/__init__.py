"""The tests: unit, sql, integration, contracts, migrations, acceptance, bench."""
