"""Kinds of option that several commands take."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from signalhub.domain.timeframe import TIMEFRAMES

TIMEFRAME_CHOICE = click.Choice([item.code for item in TIMEFRAMES])


class Instant(click.ParamType[datetime]):
    """An ISO-8601 instant; without a zone it is UTC."""

    name = "ISO"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Reads `2026-01-02`, `2026-01-02T03:04:05Z` and the like."""
        if isinstance(value, datetime):
            return value
        try:
            read = datetime.fromisoformat(str(value))
            return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no ISO time. Write 2026-01-02 or 2026-01-02T03:00:00Z.", param, ctx)
