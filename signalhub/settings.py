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

import platformdirs

from signalhub.errors import SettingsInvalid

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
    lookback_hours: float = 24.0
    """How far back `signalhub once` looks for closes that were not evaluated."""
    settle_grace_seconds: float = 10.0
    """How long after a close an instrument may take to be settled before it is abstained for that bar."""
    api_port: int = 8000
    """Port of the API on 127.0.0.1."""
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
    "lookback_hours": (_positive_or_zero, "a number of hours"),
    "settle_grace_seconds": (_positive_or_zero, "a number of seconds"),
    "api_port": (_port, "a port number from 1 to 65535"),
    "demo_exchange": (str, "a ccxt venue or none"),
}


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
    return Settings(**values)


def _read(key: str, name: str, text: str, origin: str) -> Any:
    if name not in _READERS:
        known = ", ".join(PREFIX + known.upper() for known in _READERS)
        raise SettingsInvalid(f"{key} in {origin} is no setting of Signalhub. Known: {known}.")
    reader, expected = _READERS[name]
    if not text:  # set but empty: as if it were not set
        return None
    try:
        return reader(text)
    except ValueError:
        shown = "(not shown)" if name == "database_url" else repr(text)
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
