"""Environment and `.env` → one frozen Settings value.

Keys are `SIGNALHUB_<FIELD>`. The environment wins over `.env` of the working directory. Unknown or wrong
keys refuse to start, naming the key; keys that begin with `SIGNALHUB_TEST_` belong to the tests.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from signalhub.domain.keeping import keeping_problem
from signalhub.domain.timeframe import M1, TIMEFRAMES, Timeframe
from signalhub.errors import SettingsInvalid

LEAST_OUTLIER_Z = 8.0
"""Jumps are recorded from this robust z-score on; the setting can only be stricter."""
PREFIX = "SIGNALHUB_"
TEST_PREFIX = "SIGNALHUB_TEST_"


def _default_home() -> Path:
    return Path(platformdirs.user_data_dir("signalhub", appauthor=False))


@dataclass(frozen=True)
class Settings:
    """What an operator can set. Each field is read from SIGNALHUB_<NAME>."""

    home: Path = field(default_factory=_default_home)
    """Folder of the embedded server's data and of the logs."""
    database_url: str | None = None
    """postgresql://… of a server of your own; unset: the embedded server."""
    fee_bps: float = 0.0
    """Fee per side in basis points, taken off net returns twice."""
    slippage_bps: float = 0.0
    """Slippage per side in basis points, taken off net returns twice."""
    min_score: float = 50.0
    """Candidates that score less are held back, with the reason on record."""
    risk_pct: float = 1.0
    """What the stop of a signal may cost, in percent of the equity: the suggested position is sized by it."""
    max_position_pct: float = 100.0
    """The largest position that is suggested, in percent of the equity."""
    best_n: int = 0
    """So many of the best signals of a cycle (one close of a timeframe) are sent, the others recorded; 0: all are."""
    lookback_hours: float = 24.0
    """How far back `signalhub once` looks for closes that were not evaluated."""
    settle_grace_seconds: float = 10.0
    """How long after a close an instrument may take to be settled before it is abstained for that bar."""
    fresh_bars: float = 2.0
    """Base bars that an instrument may be behind a close before it counts as stale."""
    fresh_hours: float = 2.0
    """Hours that it may be behind, even where that is fewer bars."""
    complete_pct: float = 90.0
    """Share of the expected bars that must be there: of a day and a week for the grade, of the window for scoring."""
    outlier_z: float = 12.0
    """From which robust z-score on a bar that jumps counts as an outlier."""
    flat_bars: int = 10
    """So many bars in a row without a move, or without volume, lower the grade."""
    gate_flagged_bars: bool = False
    """Does not score instruments whose window holds an outlier."""
    feed: str = "ccxt_rest"
    """Where `signalhub run` gets bars: the name of a module of signalhub/feeds, such as ccxt_rest or simulator."""
    venue: str = "binance"
    """The ccxt venue that is followed."""
    venue_url: str | None = None
    """Another host that speaks the venue's API: a proxy, or a double in tests."""
    symbols: tuple[str, ...] = ()
    """What to follow, separated by commas; empty: what was backfilled before, else the most traded ones."""
    top: int = 20
    """How many of the most traded symbols to follow where none are named."""
    base_timeframe: Timeframe = M1
    """The timeframe of the bars that are fetched; everything coarser is rolled up from it."""
    history_days: float = 7.0
    """How much history a symbol that is new gets before it is followed."""
    generation_mode: str = "database"
    """`database`: stale instruments abstain; `hybrid`: they are topped up from the feed first; `live`: all are."""
    api_host: str = "127.0.0.1"
    """The address the API listens on; 0.0.0.0 opens it to the network."""
    api_port: int = 8000
    """The API's port."""
    public_url: str | None = None
    """Where people reach the page, for links in messages; unset: no links."""
    open_page: bool = False
    """Shows the page without a login. `signalhub demo` does so on loopback."""
    rate_limit: int = 600
    """Requests a minute that one key may make."""
    risk_note: str = "Not advice. Signals are computed by rules; you may lose what you stake."
    """The line under every alert and digest."""
    smtp_host: str | None = None
    """Mail server; unset: no e-mail is sent."""
    smtp_port: int = 587
    """Port of the mail server."""
    smtp_user: str | None = None
    """Login at the mail server."""
    smtp_password: str | None = None
    """Password at the mail server."""
    smtp_tls: str = "starttls"
    """`starttls`, `tls` (from the first byte) or `none`."""
    mail_from: str = "Signalhub <signals@localhost>"
    """Sender of e-mail."""
    telegram_token: str | None = None
    """Token of the bot; unset: nothing is sent by Telegram."""
    telegram_url: str | None = None
    """Another server that speaks the Bot API: a local one, or a double in tests."""
    webhook_allow_private: bool = False
    """Lets webhooks go to http:// and to addresses of private networks."""
    retention_days: int = 90
    """How long decisions and finished messages are kept."""
    keep_bars_1m_days: int = 0
    """How long 1m bars are kept; 0: for ever. What was rolled up from them stays."""
    keep_bars_5m_days: int = 0
    """How long 5m bars are kept, rolled up or not; 0: for ever. No shorter than the 1m bars, and so on."""
    keep_bars_15m_days: int = 0
    """How long 15m bars are kept; 0: for ever."""
    keep_bars_1h_days: int = 0
    """How long 1h bars are kept; 0: for ever."""
    keep_bars_4h_days: int = 0
    """How long 4h bars are kept; 0: for ever."""
    keep_bars_1d_days: int = 0
    """How long 1d bars are kept; 0: for ever."""
    keep_indicators_days: int = 0
    """How long indicator rows are kept, of every timeframe; 0: for ever. A late bar brings back those after it."""
    compress_after_days: int = 30
    """TimescaleDB: bars and indicators older than this are kept in columns; 0: never."""
    own_indicators: Path | None = None
    """Folder of indicators of your own (docs/how-to/add-your-own-indicator.md); unset: none."""
    demo_exchange: str = "binance"
    """The ccxt venue that `signalhub demo` asks before it falls back to simulated prices; `none` asks nobody."""

    def replace(self, **changes: Any) -> Settings:
        """The same settings with some fields changed."""
        return dataclasses.replace(self, **changes)


def _positive_or_zero(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise ValueError
    return number


def _score(text: str) -> float:
    score = _positive_or_zero(text)
    if score > 100:
        raise ValueError
    return score


def _above_zero(text: str) -> float:
    number = _positive_or_zero(text)
    if not number:
        raise ValueError
    return number


def _percentage(text: str) -> float:
    return _above_zero(repr(_score(text)))


def _outlier_z(text: str) -> float:
    score = _positive_or_zero(text)
    if score < LEAST_OUTLIER_Z:
        raise ValueError
    return score


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _days(text: str) -> int:
    days = int(text)
    if days < 0:
        raise ValueError
    return days


def _yes_or_no(text: str) -> bool:
    return {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}[text.lower()]


def _list(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _one_of(*allowed: str) -> tuple[Callable[[str], str], str]:
    return {item: item for item in allowed}.__getitem__, " or ".join(allowed)


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError
    return text.rstrip("/")


def _timeframe(text: str) -> Timeframe:
    return {timeframe.code: timeframe for timeframe in TIMEFRAMES}[text]


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise ValueError
    return port


_READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "home": (lambda text: Path(text).expanduser().absolute(), "a folder"),
    "database_url": (lambda text: _database_url(text), "a postgresql:// URL"),
    "fee_bps": (_positive_or_zero, "a number of basis points, 0 or more"),
    "slippage_bps": (_positive_or_zero, "a number of basis points, 0 or more"),
    "min_score": (_score, "a number from 0 to 100"),
    "risk_pct": (_percentage, "a number above 0, up to 100"),
    "max_position_pct": (_above_zero, "a number above 0"),
    "best_n": (_days, "a whole number, or 0"),
    "lookback_hours": (_positive_or_zero, "a number of hours"),
    "settle_grace_seconds": (_positive_or_zero, "a number of seconds"),
    "fresh_bars": (_positive_or_zero, "a number of bars"),
    "fresh_hours": (_positive_or_zero, "a number of hours"),
    "complete_pct": (_score, "a number from 0 to 100"),
    "outlier_z": (_outlier_z, f"a number, {LEAST_OUTLIER_Z:g} or more"),
    "flat_bars": (_positive, "a whole number, 1 or more"),
    "gate_flagged_bars": (_yes_or_no, "yes or no"),
    "feed": (str, "the name of a feed"),
    "venue": (str, "a ccxt venue"),
    "venue_url": (_url, "an http:// or https:// URL"),
    "symbols": (_list, "symbols separated by commas"),
    "top": (_positive, "a whole number, 1 or more"),
    "base_timeframe": (_timeframe, "one of 1m 5m 15m 1h 4h 1d"),
    "history_days": (_positive_or_zero, "a number of days"),
    "generation_mode": _one_of("database", "hybrid", "live"),
    "api_host": (str, "an address of this machine"),
    "api_port": (_port, "a port number from 1 to 65535"),
    "public_url": (_url, "an http:// or https:// URL"),
    "open_page": (_yes_or_no, "yes or no"),
    "rate_limit": (_positive, "a whole number, 1 or more"),
    "risk_note": (str, "a line of text"),
    "smtp_host": (str, "the name of a mail server"),
    "smtp_port": (_port, "a port number from 1 to 65535"),
    "smtp_user": (str, "a login"),
    "smtp_password": (str, "a password"),
    "smtp_tls": _one_of("starttls", "tls", "none"),
    "mail_from": (str, "a sender such as Signalhub <signals@example.org>"),
    "telegram_token": (str, "the token of a bot"),
    "telegram_url": (_url, "an http:// or https:// URL"),
    "webhook_allow_private": (_yes_or_no, "yes or no"),
    "retention_days": (_positive, "a whole number of days, 1 or more"),
    "keep_bars_1m_days": (_days, "a whole number of days, or 0"),
    "keep_bars_5m_days": (_days, "a whole number of days, or 0"),
    "keep_bars_15m_days": (_days, "a whole number of days, or 0"),
    "keep_bars_1h_days": (_days, "a whole number of days, or 0"),
    "keep_bars_4h_days": (_days, "a whole number of days, or 0"),
    "keep_bars_1d_days": (_days, "a whole number of days, or 0"),
    "keep_indicators_days": (_days, "a whole number of days, or 0"),
    "compress_after_days": (_days, "a whole number of days, or 0"),
    "own_indicators": (lambda text: Path(text).expanduser().absolute(), "a folder"),
    "demo_exchange": (str, "a ccxt venue or none"),
}


_SECRET = ("database_url", "smtp_password", "telegram_token")


def secrets(settings: Settings) -> tuple[str, ...]:
    """What must never be shown: passwords and tokens, also as part of an address."""
    url = urlsplit(settings.database_url or "")
    found = (settings.database_url, url.password, settings.smtp_password, settings.telegram_token)
    return tuple(secret for secret in found if secret)


def _database_url(text: str) -> str:
    if not text.startswith(("postgresql://", "postgres://")):
        raise ValueError
    return text


def load(environment: Mapping[str, str] | None = None, dotenv: Path = Path(".env")) -> Settings:
    """Settings from `.env` and the environment.

    Raises: SettingsInvalid, naming the key, where it stands and what was expected.
    """
    values: dict[str, Any] = {}
    for origin, pairs in (
        (str(dotenv), _read_dotenv(dotenv)),
        ("the environment", os.environ if environment is None else environment),
    ):
        for key, text in pairs.items():
            if key.startswith(PREFIX) and not key.startswith(TEST_PREFIX):
                name = key.removeprefix(PREFIX).lower()
                read = _read(key, name, text, origin)
                values |= {name: read} if text else {}
    return _checked(Settings(**values))


def _checked(settings: Settings) -> Settings:
    """Settings that fit each other. Raises: SettingsInvalid."""
    problem = keeping_problem({item: getattr(settings, f"keep_bars_{item}_days") for item in TIMEFRAMES})
    if problem:
        raise SettingsInvalid(f"{PREFIX}{problem}")
    return settings


def _read(key: str, name: str, text: str, origin: str) -> Any:
    if name not in _READERS:
        known = ", ".join(PREFIX + known.upper() for known in _READERS)
        raise SettingsInvalid(f"{key} in {origin} is no setting of Signalhub. Known: {known}.")
    reader, expected = _READERS[name]
    if not text:  # set but empty: as if it were not set
        return None
    try:
        return reader(text)
    except (ValueError, KeyError):
        shown = "(not shown)" if name in _SECRET else repr(text)
        raise SettingsInvalid(f"{key} in {origin} is {shown}: expected {expected}.") from None


def _read_dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    pairs = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        key, equals, value = text.partition("=")
        if not equals:
            raise SettingsInvalid(f"{path} line {number} is not KEY=value: {text!r}.")
        pairs[key.strip()] = value.strip().strip("'\"")
    return pairs
