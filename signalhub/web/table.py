"""The table of signals: tabs, pages of rows, and what to say where there are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from signalhub.db.connection import Connection
from signalhub.errors import UsageInvalid
from signalhub.signals import read
from signalhub.signals.read import SignalFilter, Visible
from signalhub.web.rendering import fragment

PAGE_SIZE = 50


@dataclass(frozen=True)
class Tab:
    """A part of the signals; `status` and `is_open` narrow as SignalFilter does."""

    name: str
    title: str
    status: str | None = None
    is_open: bool | None = None

    @property
    def link(self) -> str:
        """Where its first page is."""
        return page_link(self.name)


TABS = (
    Tab("all", "All"),
    Tab("open", "Open", is_open=True),
    Tab("closed", "Closed", is_open=False),
    Tab("target_hit", "Target hit", status="target_hit"),
    Tab("stop_hit", "Stop hit", status="stop_hit"),
    Tab("expired", "Expired", status="expired"),
)


def tab(name: str) -> Tab:
    """The tab of this name.

    Raises: UsageInvalid, listing the names.
    """
    for known in TABS:
        if known.name == name:
            return known
    raise UsageInvalid(f"{name[:40]!r} is no tab. Use one of {', '.join(known.name for known in TABS)}.")


def page_link(name: str, cursor: str | None = None) -> str:
    """Where a page of a tab is."""
    wanted = ({} if name == TABS[0].name else {"tab": name}) | ({"cursor": cursor} if cursor else {})
    return f"/?{urlencode(wanted)}" if wanted else "/"


def rows(connection: Connection, chosen: Tab, cursor: str | None, visible: Visible | None) -> str:
    """The HTML of a page of signals, newest first; everybody who may see the same gets the same.

    Raises: UsageInvalid for a cursor that is none of ours.
    """
    wanted = SignalFilter(status=chosen.status, is_open=chosen.is_open, visible=visible, limit=PAGE_SIZE, cursor=cursor)
    page = read.page(connection, wanted)
    return fragment(
        "rows.html.j2", page=page, tab=chosen, is_first=cursor is None, **_links(page, chosen, cursor, visible)
    )


def _links(page: read.Page, chosen: Tab, cursor: str | None, visible: Visible | None) -> dict[str, Any]:
    return {
        "newest": chosen.link if cursor else None,
        "older": page_link(chosen.name, page.next_cursor) if page.next_cursor else None,
        "are_all_simulated": bool(page.items) and all(row["is_simulated"] for row in page.items),
        "strategies": None if visible is None else visible.strategies,
    }
