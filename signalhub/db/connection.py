"""The connection every stage takes: a psycopg connection inside a transaction that somebody else ends."""

from __future__ import annotations

from typing import Any, TypeAlias

import psycopg

Connection: TypeAlias = psycopg.Connection[Any]
