"""A sink of webhooks on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.doubles import http


@pytest.fixture
def sink() -> Iterator[http.HttpDouble]:
    with http.serving() as double:
        yield double
