"""The URL of a database of the user's own: whether it can be read, and what it says in libpq's own variables.

No message ever repeats it, since it holds a password.
"""

from __future__ import annotations

import psycopg
import sqlalchemy
from psycopg import pq

from signalhub.errors import SettingsInvalid
from signalhub.settings import Settings

_UNREADABLE = (
    "SIGNALHUB_DATABASE_URL (not shown) cannot be read: expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
    "with special characters of user and password written as %XX."
)


def check(settings: Settings) -> Settings:
    """The settings, once their URL is known to be one.

    Raises: SettingsInvalid.
    """
    if settings.database_url is not None:
        environment(settings.database_url)
    return settings


def environment(url: str) -> dict[str, str]:
    """The PG* variables that lead to the same database as the URL, password and TLS options included.

    Raises: SettingsInvalid.
    """
    try:
        sqlalchemy.make_url(url)
        options = pq.Conninfo.parse(url.encode())
    except (ValueError, sqlalchemy.exc.ArgumentError, psycopg.Error):
        raise SettingsInvalid(_UNREADABLE) from None
    return {option.envvar.decode(): option.val.decode() for option in options if option.envvar and option.val}
