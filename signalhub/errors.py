"""Every error a person can cause.

    SignalhubError
    ├── SettingsInvalid          a setting is unknown or wrong
    ├── UsageInvalid             the command's words are off (exit code 2)
    ├── DatabaseUnavailable      the server cannot be started or reached
    │   ├── EmbeddedServerFailed
    │   └── EditionMismatch      the server is not the edition the data was made with
    ├── SchemaOutdated           the database is not at this program's revision
    ├── MigrationRefused         a migration would harm what is not ours
    ├── DataUnusable             a file or feed gave nothing that can be used
    │   └── FeedUnavailable      a venue did not answer
    │       ├── FeedRefused      a venue said no: asking again does not help
    │       └── FeedBusy         a venue wants no question for a while
    ├── ChannelUnavailable       a channel cannot send: its server, login or token is off
    ├── NotFound                 an instrument, signal, strategy, subscriber or key that does not exist
    ├── NameTaken                a subscriber of that name is there already
    ├── Busy                     the same work is being done already
    └── PluginInvalid            a plug-in file does not keep its contract

The docstring of a class is its default message: one line that says what to do.
"""

from __future__ import annotations

import inspect


class SignalhubError(Exception):
    """Something went wrong. Run again with --debug to see where."""

    exit_code = 1

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or ""))


class SettingsInvalid(SignalhubError):
    """A setting is wrong. .env.example lists the settings."""

    exit_code = 2


class UsageInvalid(SignalhubError):
    """The command's words are off. See --help."""

    exit_code = 2


class DatabaseUnavailable(SignalhubError):
    """The database does not answer. Check SIGNALHUB_DATABASE_URL, or unset it to use the embedded server."""


class EmbeddedServerFailed(DatabaseUnavailable):
    """The embedded PostgreSQL did not start. See its log under SIGNALHUB_HOME."""


class EditionMismatch(DatabaseUnavailable):
    """This database was made on another edition. Point SIGNALHUB_DATABASE_URL at the server it was made on."""


class SchemaOutdated(SignalhubError):
    """The database is not at this program's revision. Run `signalhub migrate`."""


class MigrationRefused(SignalhubError):
    """The migration would drop something that is not ours. Drop or move that object first."""


class DataUnusable(SignalhubError):
    """Nothing in the input could be used. Nothing was written."""


class FeedUnavailable(DataUnusable):
    """The venue did not answer. Try again later, or use another feed."""


class ChannelUnavailable(SignalhubError):
    """The channel cannot send. `signalhub check` says why."""


class FeedRefused(FeedUnavailable):
    """The venue said no. Check the symbol, the timeframe and whether it serves your country."""


class FeedBusy(FeedUnavailable):
    """The venue was asked too often. Wait a little."""

    wait_seconds: float = 0.0
    """How long it wants no question."""


class NotFound(SignalhubError):
    """There is no such thing. List what there is first."""


class NameTaken(SignalhubError):
    """There is a subscriber of that name already. Choose another name."""


class Busy(SignalhubError):
    """The same work is being done already. Try again when it is over."""


class PluginInvalid(SignalhubError):
    """A plug-in file does not keep the contract of its folder's base.py."""
