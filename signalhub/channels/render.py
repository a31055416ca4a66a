"""Renders messages: facts from the database and a template per channel and kind, once per distinct content.

Alerts and closings are the same for all receivers; digests are the same for those who may see the same in the same
time zone. What is rendered is kept, within bounds.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import jinja2

from signalhub.channels import facts, words
from signalhub.channels.base import Content
from signalhub.db.connection import Connection
from signalhub.domain.wire import plain_row
from signalhub.outbox.queue import Claimed
from signalhub.settings import Settings
from signalhub.signals.levels import shown_level, shown_price

_KEPT = 256
"""Rendered contents that are kept: those of the latest signals and digests."""
_TYPES = {
    "alert": "signal.opened",
    "close": "signal.closed",
    "daily_digest": "digest.daily",
    "weekly_performance": "performance.weekly",
    "test": "test",
}
_OUTCOME = (
    *("status", "is_ambiguous", "fill_price", "fill_at", "exit_price", "exit_at", "gross_return_pct", "net_return_pct"),
    *("r_multiple", "net_r", "mfe_r", "mae_r", "tracked_through"),
)
"""Columns that say something only when a signal has ended."""
_HIDDEN = ("recorded_at", "is_best", "validity", "validity_since")

Make: TypeAlias = Callable[[], Content | None]


class Renderer:
    """Makes contents of claimed messages; any thread may ask."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._note = words.one_line(settings.risk_note)
        self._markup, self._plain = _environment(escapes=True), _environment(escapes=False)
        self._kept: OrderedDict[Hashable, Content] = OrderedDict()
        self._lock = threading.Lock()

    def render(self, connection: Connection, channel: str, message: Claimed) -> Content | None:
        """What the message says; None where there is nothing to say any more: an alert whose signal has ended."""
        if message.signal_id is not None:
            key: Hashable = (channel, message.kind, message.signal_id)
            return self._once(key, partial(self._of_signal, connection, channel, message.kind, message.signal_id))
        if message.period_on is None:
            return self._content(channel, message.kind, {}, {"time": message.created_at.astimezone(UTC)})
        span = facts.period(message.kind, message.period_on, message.time_zone)
        spans = facts.visible(connection, message.subscriber_id, message.created_at)
        return self._once((channel, span, spans), partial(self._of_period, connection, channel, span, spans))

    def _once(self, key: Hashable, make: Make) -> Content | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        content = make()
        if content is not None:
            with self._lock:
                self._kept[key] = content
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return content

    def _of_signal(self, connection: Connection, channel: str, kind: str, signal_id: int) -> Content | None:
        row = facts.signal(connection, signal_id)
        if row is None or (kind == "alert") != (row["status"] == "open"):
            return None
        left_out = (*_HIDDEN, *_OUTCOME) if kind == "alert" else _HIDDEN
        url = self._link(f"/signals/{signal_id}")
        data = {name: value for name, value in row.items() if name not in left_out} | {"url": url}
        when = (row["published_at"] or row["close_at"]) if kind == "alert" else row["exit_at"]
        return self._content(channel, kind, {"signal": words.clean(row), "url": url}, {"time": when, **data})

    def _of_period(
        self, connection: Connection, channel: str, span: facts.Period, spans: facts.Visible
    ) -> Content | None:
        found = facts.of_period(connection, span, spans)
        data = {"since": span.since, "until": span.until, "time_zone": span.zone.key}
        told = {name: value for name, value in found.items() if name != "has_strategies"}
        context = {**found, "period": span, "url": self._link("/")}
        return self._content(channel, span.kind, context, {"time": span.until, **data, **told})

    def _content(self, channel: str, kind: str, context: Mapping[str, Any], data: Mapping[str, Any]) -> Content:
        context = {"note": self._note, "url": None, **context}
        # The first line of the plain text is the subject.
        text = self._plain.get_template(f"plain/{kind}.txt.j2").render(context)
        subject, _, text = text.strip().partition("\n")
        html = ""
        if channel == "email":
            html = self._markup.get_template(f"email/{kind}.html.j2").render(context, subject=subject)
        if channel == "telegram":
            text = self._markup.get_template(f"telegram/{kind}.html.j2").render(context)
        return Content(subject, text.strip() + "\n", html, self._event(kind, data))

    def _event(self, kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
        told = plain_row(data)
        when = told.pop("time")
        return {"type": _TYPES[kind], "timestamp": when, "data": {**told, "risk_note": self._note}}

    def _link(self, path: str) -> str | None:
        return f"{self._settings.public_url}{path}" if self._settings.public_url else None


def _environment(*, escapes: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=escapes,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "level": shown_level,
        "side": words.side,
        "mark": words.outcome_mark,
        "outcome": words.outcome_words,
        "percent": words.percent,
        "in_r": words.in_r,
        "ratio": words.ratio,
        "lasted": words.lasted,
        "ended_words": facts.ended_words,
        "result_words": facts.result_words,
    }
    environment.globals |= {
        "move": words.move_percent,
        "price": shown_price,
        "at": words.at,
        "local_time": words.local_time,
    }
    return environment
