"""Signalhub: a trading-signal engine with PostgreSQL/TimescaleDB at its heart."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("signalhub")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0.0.0"
