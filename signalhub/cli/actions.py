"""Commands about corporate actions: import-actions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from signalhub import clock
from signalhub.bars.splits import Recorded
from signalhub.cli import output
from signalhub.cli.context import Context, pass_context
from signalhub.domain.split import Split, adjustments
from signalhub.feeds.factor_files import read_factors
from signalhub.jobs.actions import import_actions


@click.command("import-actions")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--symbol", required=True, help="Public symbol of the instrument, such as AAPL.")
@click.option("--venue", help="Which one, where several venues have the symbol.")
@click.option("--force", "is_sure", is_flag=True, help="Also where the bars seem to be adjusted already.")
@click.option("--json", "as_json", is_flag=True, help="Print the splits as JSON.")
@pass_context
def import_actions_(
    context: Context, /, path: Path, symbol: str, venue: str | None, is_sure: bool, as_json: bool
) -> None:
    """Import the splits of a share from a factor file (date, price_factor, split_factor).

    Bars stay raw; indicators, charts and analytics.adjusted_bars are in today's shares from then on. Dividends are
    not adjusted for. Importing the same file again changes nothing.
    """
    name = f"{symbol}@{venue}" if venue else symbol
    file = read_factors(path)  # so that no server is started for a file that cannot be used
    with context.database() as database, output.progress() as progress:
        recorded = import_actions(database, file, name, clock.now(), progress, is_sure=is_sure)
    if as_json:
        output.say(json.dumps([_as_json(row) for row in _rows(recorded)]))
        return
    output.table(
        ("in new shares from", "split", "price factor before", ""),
        (
            (f"{split.effective_at:%Y-%m-%d}", shown(split.ratio), f"{factor:.8g}", state)
            for split, factor, state in _rows(recorded)
        ),
        right=("split", "price factor before"),
    )
    output.say(_summary(name, recorded))


def shown(ratio: float) -> str:
    """`7:1`, `1:20`: new shares for old ones."""
    return f"{ratio:g}:1" if ratio >= 1 else f"1:{1 / ratio:g}"


def _rows(recorded: Recorded) -> list[tuple[Split, float, str]]:
    """Each split with the factor of prices just before it, and whether it is new."""
    factors = [span.price_factor for span in adjustments(recorded.splits)]
    return [
        (split, factor, "new" if split in recorded.added else "")
        for split, factor in zip(recorded.splits, factors, strict=False)
    ]


def _as_json(row: tuple[Split, float, str]) -> dict[str, object]:
    split, factor, state = row
    return {
        "effective_at": f"{split.effective_at:%Y-%m-%dT%H:%M:%SZ}",
        "ratio": split.ratio,
        "price_factor_before": factor,
        "is_new": state == "new",
    }


def _summary(name: str, recorded: Recorded) -> str:
    if recorded.is_unchanged:
        return f"Nothing changed: {_count(recorded.splits)} of {name}, all there already."
    taken_back = f", {len(recorded.removed)} taken back" if recorded.removed else ""
    return f"{name}: {_count(recorded.added)} recorded{taken_back}; its indicators are in today's shares."


def _count(splits: Sequence[Split]) -> str:
    return f"{len(splits)} split{'' if len(splits) == 1 else 's'}"


COMMANDS = (import_actions_,)
