"""What people see: progress on stderr, tables and lines on stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Table
from rich.text import Text

from signalhub.jobs.progress import Progress

# The widest table, performance by strategy, needs 168: folded, a row would be two lines to whoever reads the pipe.
_PIPE_WIDTH = 200


class TerminalProgress(Progress):
    """A bar with count, rate and time left on stderr, where that is a terminal."""

    def __init__(self, bar: RichProgress) -> None:
        self._bar = bar
        self._task = bar.add_task("starting", total=None, unit="", note="")

    def stage(self, label: str, total: int | None = None, unit: str = "rows") -> None:
        """Begins a new bar."""
        self._bar.reset(self._task, description=label, total=total, unit=unit, note="")

    def advance(self, count: int) -> None:
        """Moves the bar."""
        self._bar.advance(self._task, count)

    def note(self, text: str) -> None:
        """Shows what is worked on, beside the bar; at once, since notes are few and stages may be quick."""
        self._bar.update(self._task, note=text, refresh=True)

    def line(self, text: str) -> None:
        """Prints a line above the bar."""
        self._bar.console.print(text, highlight=False)


class _Rate(TextColumn):
    def render(self, task: Task) -> Text:
        if not task.total:
            return Text("")
        rate = f"  {task.speed:,.0f}/s" if task.speed else ""
        return Text(f"{task.completed:,.0f}/{task.total:,.0f} {task.fields['unit']}{rate}")


class _PlainProgress(Progress):
    def line(self, text: str) -> None:
        print(text, file=sys.stderr)


@contextmanager
def progress() -> Iterator[Progress]:
    """Progress for one command; only the lines worth keeping where stderr is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _PlainProgress()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        _Rate(""),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with RichProgress(*columns, console=console, transient=True) as bar:
        yield TerminalProgress(bar)


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str] = ()) -> None:
    """Prints a table; the columns named in `right` are aligned to the right."""
    console = _stdout()
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        drawn.add_column(header, justify="right" if header in right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(drawn)


def say(text: str = "") -> None:
    """Prints one line to stdout."""
    print(text, flush=True)


def complain(text: str) -> None:
    """Prints one line about something that went wrong to stderr."""
    print(f"signalhub: {text}", file=sys.stderr)


def _stdout() -> Console:
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    return console
