"""How a command ends early: SIGINT, SIGTERM and SIGHUP unwind it, so that the embedded server is left in order."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], None]

_TOLD = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "terminated, the terminal is gone"}
_WORDS = {signal.Signals[name]: words for name, words in _TOLD.items() if hasattr(signal, name)}
"""Those of this platform: Windows has no SIGHUP."""

_received: list[signal.Signals] = []


def unwind_on_signals() -> None:
    """From now on these signals unwind the main thread; one that the parent made us ignore stays ignored."""
    _received.clear()
    if threading.current_thread() is threading.main_thread():
        for number in _WORDS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _end)


def stop_on_signals(*, terminal: bool = True) -> threading.Event:
    """From now on SIGINT and SIGTERM set the event, for work that ends by itself; a second one unwinds it.

    Without `terminal` only SIGTERM counts: Ctrl-C and the end of a terminal reach our parent too, who decides what
    they mean for us. Taken as the first of two, they would make an abrupt end of the SIGTERM that follows.
    """
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            _end(number, frame)
        # In a thread of its own: this one may be waiting for the event, and hold its lock just now.
        threading.Thread(target=stop.set, daemon=True).start()

    signal.signal(signal.SIGTERM, ask)
    for number in _WORDS.keys() - {signal.SIGTERM}:
        if not terminal:
            signal.signal(number, _ignore)
        elif number == signal.SIGINT:
            signal.signal(number, ask)
    return stop


def were_asked_for() -> bool:
    """Whether a signal came: whatever breaks after that, such as a rollback on a cancelled connection, is its doing."""
    return bool(_received)


def told() -> int:
    """Says on stderr what ended the command; its exit code, 128 + the signal's number."""
    number = _received[0] if _received else signal.SIGINT
    print(f"signalhub: {_WORDS[number]}", file=sys.stderr)
    return 128 + number


def _end(number: int, _: FrameType | None) -> None:
    _received.append(signal.Signals(number))
    logging.disable()  # SQLAlchemy tells of every connection that it cannot close in peace
    raise KeyboardInterrupt  # on which psycopg cancels its query


def run_child(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Runs a command to its end; its exit code, as a shell would tell it.

    Meanwhile it alone decides about signals: it has SIGINT from the terminal, and is sent the others.
    Raises: OSError where it cannot be run.
    """
    children: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        for child in children:
            child.send_signal(number)
        early.extend([] if children else [number])

    # Before it starts: it may be at work before we hear that it is.
    handlers = dict.fromkeys(_WORDS, pass_on) | {signal.SIGINT: _ignore}
    with _handling(handlers), subprocess.Popen(words, env=environment) as child:
        children.append(child)
        for number in early:
            child.send_signal(number)
        code = child.wait()
    return code if code >= 0 else 128 - code


@contextmanager
def _handling(handlers: Mapping[signal.Signals, Handler]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def forget_stdout() -> None:
    """Whoever read our output is gone: what is left of it goes nowhere, without a complaint at the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _ignore(number: int, _: FrameType | None) -> None:
    """Not SIG_IGN, which a child process would inherit."""
