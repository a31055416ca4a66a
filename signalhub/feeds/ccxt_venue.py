"""One venue of ccxt's, asked with care: its rate limiter, time limits, and second attempts where they can help.

What is tried again, and what is not:

- Asked too often (429, DDoSProtection, RateLimitExceeded) or banned for it (418): nobody asks this venue anything until
  its Retry-After is over. Who cannot wait that long is told so at once.
- Trouble on the way (no connection, a reset, a time-out, 5xx, a body that is no data): again after a pause that
  doubles, up to four times and within the time limit.
- A refusal (an unknown symbol, 4xx, a country that is not served, maintenance): never. Asking again does not help.
"""

from __future__ import annotations

import difflib
import queue
import random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from signalhub import clock
from signalhub.errors import FeedBusy, FeedRefused, FeedUnavailable

ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.25
BAN_SECONDS = 120.0
"""The shortest ban of Binance's, where its answer does not tell how long."""
_sleep = time.sleep
_WORTH_ANOTHER_TRY = (408, 418, 425, 429)


class Told(NamedTuple):
    """An answer, and when the venue gave it by its own clock."""

    value: Any
    told_at: datetime | None


class _Heard(NamedTuple):
    """What came of one attempt, with the status and headers of its last HTTP answer."""

    value: Any = None
    error: Exception | None = None
    status: int = 0
    headers: Mapping[str, str] = {}


class Venue:
    """A venue's ccxt exchange. May be asked from several threads; `url` sends every call to another host."""

    def __init__(self, name: str, url: str | None, timeout_seconds: float) -> None:
        self.name = name
        self.url = url
        self.timeout_seconds = timeout_seconds
        self._silent_until = 0.0
        self._heard = threading.local()

    def ask(self, what: str, call: Callable[[Any], Any], patience: float = 1.0) -> Told:
        """What `call(exchange)` gives, all attempts within `patience` time limits.

        Raises: FeedRefused, FeedUnavailable: one line with the venue, what was asked and why it failed.
        """
        deadline = clock.stopwatch() + self.timeout_seconds * patience
        for attempt in range(1, ATTEMPTS + 1):
            self._keep_silence(what, deadline)
            heard = self._once(call, deadline, self.timeout_seconds * patience / 2)
            if heard.error is None:
                return Told(heard.value, _instant(heard.headers.get("Date")))
            if isinstance(heard.error, FeedRefused):
                raise FeedRefused(f"{self.name} failed at {what}: {heard.error}.")
            self._judge(what, heard)
            pause = FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) * random.uniform(0.5, 1.0)
            if attempt == ATTEMPTS or clock.stopwatch() + pause >= deadline:
                raise FeedUnavailable(self._line(what, heard.error)) from heard.error
            _sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    @cached_property
    def exchange(self) -> Any:
        """ccxt's object. Raises: FeedRefused for a venue ccxt does not know."""
        import ccxt  # late: half a second

        if self.name not in ccxt.exchanges:
            near = difflib.get_close_matches(self.name, ccxt.exchanges, n=3) or ["binance", "kraken", "coinbase"]
            raise FeedRefused(f"ccxt knows no venue {self.name!r}. Try {', '.join(near)}.")
        options = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}
        exchange = getattr(ccxt, self.name)({"enableRateLimit": True, "options": options})
        exchange.timeout = max(1, round(self.timeout_seconds * 1000))
        exchange.on_rest_response = self._listening(exchange.on_rest_response)
        exchange.parse_json = self._strict(exchange.parse_json)
        exchange.throttle = _one_at_a_time(exchange)
        if self.url:
            exchange.urls["api"] = _moved(exchange.urls["api"], self.url)
        return exchange

    def _once(self, call: Callable[[Any], Any], deadline: float, seconds: float) -> _Heard:
        """One attempt, left behind when it takes too long: no socket time-out covers name look-up or a trickle."""
        exchange, answers = self.exchange, queue.SimpleQueue[_Heard]()

        def attempt() -> None:
            try:
                answers.put(_Heard(call(exchange), None, *self._last()))
            except Exception as error:  # ccxt trips in many ways over an answer that is not data
                answers.put(_Heard(None, error, *self._last()))

        threading.Thread(target=attempt, daemon=True).start()
        left = max(0.001, min(seconds, deadline - clock.stopwatch()))
        try:
            return answers.get(timeout=left)
        except queue.Empty:
            return _Heard(error=TimeoutError(f"no answer within {left:.1f} s"))

    def _listening(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        """ccxt's hook for every answer, which keeps status and headers for the thread that asked."""

        def hear(code: int, reason: str, url: str, method: str, headers: Any, *rest: Any) -> Any:
            self._heard.last = (code, headers)
            return inner(code, reason, url, method, headers, *rest)

        return hear

    def _strict(self, inner: Callable[[str], Any]) -> Callable[[str], Any]:
        """ccxt's parser lets a body that is no JSON pass: no bars would be read out of a captive portal's page."""

        def parse(body: str) -> Any:
            from ccxt import BadResponse

            value = inner(body)
            if value is None and self._last()[0] < 400:
                raise BadResponse(f"{self.name} answered with something that is no JSON")
            return value

        return parse

    def _last(self) -> tuple[int, Mapping[str, str]]:
        return getattr(self._heard, "last", (0, {}))

    def _keep_silence(self, what: str, deadline: float) -> None:
        left = self._silent_until - clock.stopwatch()
        if left > 0 and self._silent_until >= deadline:
            busy = FeedBusy(f"{self.name} was asked too often and wants no question for {left:.0f} s: not {what}.")
            busy.wait_seconds = left
            raise busy
        if left > 0:
            _sleep(left)

    def _judge(self, what: str, heard: _Heard) -> None:
        """Keeps silence where the venue wants it. Raises: FeedRefused where another attempt cannot help."""
        from ccxt import DDoSProtection, ExchangeError, ExchangeNotAvailable, OnMaintenance, RateLimitExceeded

        error = heard.error
        if isinstance(error, DDoSProtection | RateLimitExceeded):
            wanted = _seconds(heard.headers.get("Retry-After"))
            if wanted is None and heard.status == 418:
                wanted = BAN_SECONDS
            self._silent_until = max(self._silent_until, clock.stopwatch() + (wanted or 0.0))
            return
        is_client_error = 400 <= heard.status < 500 and heard.status not in _WORTH_ANOTHER_TRY
        is_final = isinstance(error, ExchangeError | OnMaintenance)
        if is_final or (type(error) is ExchangeNotAvailable and is_client_error):
            raise FeedRefused(self._line(what, error)) from error

    def _line(self, what: str, error: Exception | None) -> str:
        text = " ".join(str(error).split()) or "no answer"
        return f"{self.name} failed at {what}: {type(error).__name__}: {text[:160]}"


def _one_at_a_time(exchange: Any) -> Callable[..., None]:
    """ccxt's rate limiter, which knows of one thread only, for several: who comes later queues up."""
    lock, throttle = threading.Lock(), exchange.throttle

    def queue_up(cost: float | None = None) -> None:
        with lock:
            throttle(cost)
            exchange.lastRestRequestTimestamp = exchange.milliseconds()

    return queue_up


def _moved(urls: Any, url: str) -> Any:
    """The same addresses on another host."""
    if isinstance(urls, dict):
        return {key: _moved(inner, url) for key, inner in urls.items()}
    return url + urlsplit(urls).path if isinstance(urls, str) else urls


def _instant(date: str | None) -> datetime | None:
    with suppress(TypeError, ValueError):
        return parsedate_to_datetime(date or "").astimezone(UTC)
    return None


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After, which is a number of seconds or a date."""
    if retry_after is None:
        return None
    with suppress(ValueError):
        return max(0.0, float(retry_after))
    until = _instant(retry_after)
    return max(0.0, (until - clock.now()).total_seconds()) if until else None
