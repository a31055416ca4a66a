"""Writes the SQL that follows from sql/indicators.sql. Run by scripts/write-indicators, never while serving."""

from __future__ import annotations

from signalhub.indicators import catalogue_files
from signalhub.indicators.written import rescale, statements, walk


def files() -> dict[str, str]:
    """Path → content of every file that is written."""
    return {
        "sql/derived/3_views/14_walk_indicators.sql": walk.walk_function(),
        "sql/derived/3_views/30_analytics_indicators.sql": statements.view(),
        "sql/queries/indicators/written.sql": statements.computing(),
        "sql/queries/bars/rescale.sql": rescale.rescaling(),
        "sql/queries/snapshot_indicators.sql": statements.snapshot(),
        **catalogue_files.files(),
    }
