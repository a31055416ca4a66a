"""Writes the catalogue down: the view for analysts and docs/indicators.md. Run by scripts/write-indicators."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from signalhub import resources
from signalhub.indicators import heads
from signalhub.indicators.catalogue import WINDOW, catalogue, eras, facts_of
from signalhub.indicators.heads import Family, Head

VIEW = "sql/derived/3_views/31_indicator_catalogue.sql"
PAGE = "docs/indicators.md"
ACCURACY = ("<!-- accuracy -->\n", "<!-- /accuracy -->\n")
"""What stands between them is written by another script and kept."""

_TYPES = {"place": "integer", "first_bar": "integer", "parameters": "jsonb"}
_FACTS = {"parameters": "Parameters", "warm-up": "Warm-up", "bounds": "Bounds", "null": "NULL", "flat": "Flat",
          "ta-lib": "TA-Lib"}  # fmt: skip
_LIKE_A_LIST = re.compile(r" (?=(?:[-+*]|\d+[.)]) )")
"""A blank before what a list would begin with, were it to begin a line."""
_SUMS = (
    "**Sums since ever.** On-balance volume and the accumulation/distribution line would change in every later row "
    "when a bar of long ago is corrected or filled in. The stored `obv` and `ad` begin anew with every era, `ta.obv` "
    "and `ta.ad` with their first row: only differences mean anything. The eras: "
)


def files() -> dict[str, str]:
    """Path → content."""
    return {VIEW: _view(), PAGE: _page()}


# --- the view


def _view() -> str:
    rows = [{"place": place, **facts_of(item)} for place, item in enumerate(catalogue(), 1)]
    names = list(rows[0])
    lines = ",\n".join(f"    ({', '.join(_literal(row[name]) for name in names)})" for row in rows)
    columns = ",\n".join(
        f"    c.{name}::{_TYPES[name]} AS {name}" if name in _TYPES else f"    c.{name}" for name in names
    )
    return f"""\
-- Purpose: what each column of analytics.indicators is: the call that gives its values on any table, parameters, first
--          bar with a value, unit, bounds, what NULL and flat input do, where it comes from, whose values it equals.
-- Grain:   one row per column; place is its place in the table.
-- Units:   unit is price, volume, price2/volume or none (ratios, per cent, money: see unit_note); first_bar an
--          ordinal, 1 at the instrument's first bar. talib is the twin in TA-Lib; null where it has none: then oracle
--          says whose values are followed.
-- Read by: analysts.
-- Written by scripts/write-indicators from sql/indicators.sql and sql/derived/1_ta: do not edit.
-- noqa: disable=all
CREATE OR REPLACE VIEW analytics.indicator_catalogue AS
SELECT
{columns}
FROM (
    VALUES
{lines}
) AS c ({", ".join(names)});
"""


def _literal(value: Any) -> str:
    if value is None or isinstance(value, int):
        return "NULL" if value is None else str(value)
    text: str = value if isinstance(value, str) else json.dumps(value)
    return "'{}'".format(text.replace("'", "''"))


# --- the page


def _page() -> str:
    families = [list(group) for _, group in groupby(heads.public(), key=lambda head: head.family)]
    parts = [
        _introduction(),
        _stored(),
        _accuracy(),
        "## The functions, by family\n",
        *(_family(group[0].family, group) for group in families),
    ]
    return "\n".join(parts)


def _introduction() -> str:
    functions = {head.name for head in heads.public()}
    return f"""\
# Indicators

<!-- Written by scripts/write-indicators from sql/indicators.sql and the head comments of sql/derived/1_ta. Do not edit:
only what stands between the marks of "Accuracy" comes from elsewhere. -->

{len(functions)} functions in the schema `ta`, plain SQL and PL/pgSQL without an extension, for any table;
{len(catalogue())} columns of them are computed for every closed bar and stored.

**On a table of your own** an indicator is an aggregate with a window. The frame must begin at the first row, which it
does unless you say otherwise; each symbol and timeframe is a series of its own:

    SELECT symbol, open_at, ta.rsi(close, 14) OVER (PARTITION BY symbol ORDER BY open_at) AS rsi_14 FROM my_bars;

A value is NULL until there are bars enough ("warm-up"); a row with a NULL input is skipped and shows the value so far;
a value never depends on rows after its own; no price below 1e150 raises an error or gives NaN.

**Stored** values are in `analytics.indicators`, one row per closed bar, made of `analytics.adjusted_bars`: a split
changes no indicator but by its factor. What each column is says `analytics.indicator_catalogue`, or `signalhub
indicators`; `signalhub indicators BTC/USDT --timeframe 1h` shows the newest values of an instrument.

    SELECT column_name, call, first_bar, unit, talib, oracle FROM analytics.indicator_catalogue ORDER BY place;

{_wrapped(_SUMS + eras())}

How to [use them in psql](how-to/use-ta-in-psql.md), [add a column](how-to/add-an-indicator.md), keep
[indicators of your own](how-to/add-your-own-indicator.md).
"""


def _stored() -> str:
    rows = [
        (f"`{item.column}`", item.head.title, f"`{item.short_call}`", str(item.first_bar), item.unit_text)
        for item in catalogue()
    ]
    lines = "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows)
    return f"""\
## The stored columns

The call is written without its window, `{WINDOW.strip()}`. First bar: the number of the
first bar of the instrument and timeframe that can have a value.

| column | what | call | first bar | unit |
|---|---|---|---|---|
{lines}
"""


def _accuracy() -> str:
    path = resources.folder("sql").parent / PAGE
    kept = between_marks(path.read_text(encoding="utf-8")) if path.is_file() else ""
    return f"## Accuracy\n\n{ACCURACY[0]}{kept}{ACCURACY[1]}"


def between_marks(page: str) -> str:
    """What the page says of accuracy."""
    return page.partition(ACCURACY[0])[2].partition(ACCURACY[1])[0]


def _family(family: Family, members: Iterable[Head]) -> str:
    told = {"Author": family.author, "Source": family.source, "Units": family.units}
    given = " ".join(_sentence(f"{label}: {text}") for label, text in told.items() if text)
    lines = [f"### {_sentence(family.title)[:-1]}\n", _wrapped(given), ""]
    if family.notes:
        lines += [_wrapped(family.notes), ""]
    for head in members:
        lines += [*_function(head), ""]
    return "\n".join(lines)


def _function(head: Head) -> Iterator[str]:
    yield _wrapped(f"**`ta.{head.name}({', '.join(head.arguments)})`** {_sentence(head.what)}")
    usage = f"`{head.call}`." if head.facts["usage"].startswith("ta.") else head.facts["usage"]
    told = {"Usage": usage, "Formula": f"{heads.written_out(head)}."}
    told |= {label: head.facts[key] for key, label in _FACTS.items()}
    if columns := [f"`{item.column}`" for item in catalogue() if item.head is head]:
        told["Stored as"] = f"{', '.join(columns)}."
    yield from (_wrapped(f"- {label}: {text}") for label, text in told.items())


def _wrapped(text: str) -> str:
    indent = "  " if text.startswith("- ") else ""
    kept = _LIKE_A_LIST.sub("\x00", text[2:]) if indent else _LIKE_A_LIST.sub("\x00", text)
    filled = textwrap.fill(text[: len(indent)] + kept, 120, subsequent_indent=indent, break_long_words=False,
                           break_on_hyphens=False)  # fmt: skip
    return filled.replace("\x00", " ")


def _sentence(text: str) -> str:
    text = text.removesuffix(".") + "."
    return text[0].upper() + text[1:] if not text.startswith("ta.") else text
