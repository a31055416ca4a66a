"""Logs: one line an event on stderr and in a file of the home, secrets taken out."""

from __future__ import annotations

import logging
import logging.handlers
import time
from pathlib import Path

from signalhub.settings import Settings, secrets

_FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(message)s"
_DATES = "%Y-%m-%dT%H:%M:%S"
_LARGEST = 5_000_000
_KEPT = 3
_NOISY = ("alembic", "apscheduler", "httpx", "httpcore", "telegram", "ccxt", "urllib3", "asyncio", "uvicorn")


class _WithoutSecrets(logging.Formatter):
    def __init__(self, hidden: tuple[str, ...]) -> None:
        super().__init__(_FORMAT, _DATES)
        self._hidden = hidden
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        for secret in self._hidden:
            line = line.replace(secret, "***")
        return line


def to_stderr_and_file(settings: Settings, name: str, on_stderr: int = logging.INFO) -> None:
    """From now on the log goes to stderr, from a level on, and to HOME/logs/NAME.log, which is rotated."""
    formatter = _WithoutSecrets(secrets(settings))
    screen = logging.StreamHandler()
    screen.setLevel(on_stderr)
    handlers: list[logging.Handler] = [screen]
    folder: Path = settings.home / "logs"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handlers.append(
            logging.handlers.RotatingFileHandler(folder / f"{name}.log", maxBytes=_LARGEST, backupCount=_KEPT)
        )
    except OSError as error:
        logging.getLogger(__name__).warning("no log file: %s", error)
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # A connection that broke is told of by whoever used it; the pool would tell of it again, with a traceback.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
