"""Writes the SQL that follows from sql/indicators.sql. Run by scripts/write-indicators, never while serving.

Two ways through one set of expressions: `indicator_rows` computes any stretch of history with window functions,
`next_indicator_rows` the next bar with the states and rings of the bar before. Both see the same numbers in the same
order, so that they give the same bits.
"""

from __future__ import annotations

from signalhub.indicators import catalogue_files
from signalhub.indicators.written import following, lists, stretch


def files() -> dict[str, str]:
    """Path → content of every file that is written."""
    return {
        "sql/derived/3_views/14_indicator_rows.sql": stretch.rows_function(),
        "sql/derived/3_views/15_indicator_rings.sql": stretch.rings_function(),
        "sql/derived/3_views/16_next_indicator_rows.sql": following.next_function(),
        "sql/derived/3_views/30_analytics_indicators.sql": lists.view(),
        "sql/queries/indicators/written.sql": lists.statements(),
        "sql/queries/bars/rescale.sql": lists.rescale(),
        "sql/queries/snapshot_indicators.sql": lists.snapshot(),
        **catalogue_files.files(),
    }
