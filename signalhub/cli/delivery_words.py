"""Why a subscriber did or did not get a signal, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from signalhub.outbox.explain import Explanation, Told
from signalhub.subscribers.entitlements import Entitlement

_WITHHELD = {
    "symbol": "its symbol is not among those they want",
    "asset_class": "its asset class is not among those they want",
    "timeframe": "its timeframe is not among those they want",
    "direction": "its direction is not among those they want",
    "score_below_minimum": "its score is below their minimum",
    "no_channel": "they have no address on a channel they want",
    "daily_cap": "their cap for the day was reached",
    "not_among_best": "others of the same close scored better, and only the best are sent",
    "no_longer_valid": "it was no longer valid before it could be sent",
}
_VERDICTS = {
    "sent": "sent",
    "retry_at": "not sent, to be tried again",
    "undeliverable": "undeliverable",
    "uncertain": "uncertain, it may have arrived",
}


def sentences(about: Explanation) -> Iterator[str]:
    """The whole story, a line each; what belongs to a line is indented below it."""
    signal = about.signal
    yield (
        f"Signal {signal['signal_id']}: {signal['direction']} {signal['symbol']} {signal['timeframe']} by "
        f"{signal['strategy']}, score {signal['score']:f}, "
        f"{'published' if signal['published_at'] else 'recorded'} {_at(about.published_at)}."
    )
    yield _decided(about)
    for told in about.messages:
        yield from _message(told)


def _decided(about: Explanation) -> str:
    decision = about.decision
    if decision is None:
        return _not_decided(about)
    channels = " and ".join(decision["channels"])
    if decision["decision"] == "send":
        return f"To be sent to {about.subscriber.name} by {channels}: wanted."
    if decision["decision"] == "defer":
        until = _at(decision["deferred_until"])
        return f"Deferred for {about.subscriber.name} to the end of their quiet hours, {until}, then by {channels}."
    return f"Withheld from {about.subscriber.name}: {_WITHHELD[decision['reason']]}."


def _not_decided(about: Explanation) -> str:
    name, signal = about.subscriber.name, about.signal
    if signal["origin"] == "replay":
        return f"Not sent to {name}: it is a replay, and replayed signals are never delivered."
    if not about.was_entitled:
        return (
            f"Not sent to {name}: not entitled to {signal['strategy']} when signal {signal['signal_id']} was published "
            f"({_grants(about.spans)})."
        )
    if not about.is_remembered:
        return f"{name} was entitled to it; what was decided that day is forgotten (SIGNALHUB_RETENTION_DAYS)."
    now = " and still is not" if not about.subscriber.is_active else ", but is now"
    return f"Not sent to {name}: they were entitled, but not active when it was published{now}."


def _grants(spans: Sequence[Entitlement]) -> str:
    return "; ".join(_grant(span) for span in spans) or "never granted"


def _grant(span: Entitlement) -> str:
    begins = f", beginning {_at(span.valid_from)}" if span.valid_from != span.granted_at else ""
    ends = f", ended {_at(span.valid_until)}" if span.valid_until else ", without end"
    return f"granted {_at(span.granted_at)}{begins}{ends}"


def _message(told: Told) -> Iterator[str]:
    message = told.message
    detail = f" ({message['detail']})" if message["detail"] else ""
    what = f"  {message['kind'].capitalize()} by {message['channel']}, message {message['message_id']}:"
    if message["status"] == "pending":
        under_way = "under way" if message["begun_at"] else f"pending, due {_at(message['due_at'])}"
        yield f"{what} {under_way}."
    else:
        yield f"{what} {message['status']} {_at(message['finished_at'])}{detail}."
    for tried in told.attempts:
        why = f": {tried['detail']}" if tried["detail"] else ""
        yield f"    try {tried['attempt']}, {_at(tried['finished_at'])}: {_VERDICTS[tried['verdict']]}{why}"


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"
