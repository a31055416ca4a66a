"""Every route, asked by everybody: who is let in, who is not, and that no route is left out of the list."""

from __future__ import annotations

from typing import Any, NamedTuple

from litestar import Litestar
from litestar.testing import TestClient

from signalhub.db.engine import Database
from signalhub.web.app import create_site
from tests.integration.api_client import HERE, OPEN
from tests.integration.api_people import CLOSED, ROLES, settled


class Line(NamedTuple):
    """What each of ROLES gets: stranger, subscriber, entitled, analyst, operator; revoked, expired, inactive."""

    method: str
    template: str
    path: str
    statuses: tuple[int, int, int, int, int]
    reader: int
    """What anybody gets where the operator opened the page."""
    body: Any = None
    bad_key: int = 401


ALL, KEYS, OPERATORS = (200,) * 5, (401, *(200,) * 4), (401, 403, 403, 403, 200)
PAGES = (303, *(200,) * 4)
MARKET, PERFORMANCE = "/api/v1/market-data", "/api/v1/performance"
MATRIX = (
    Line("GET", "/api/v1", "/api/v1", ALL, 200),
    Line("GET", "/health", "/health", ALL, 200),
    Line("GET", "/schema/openapi.json", "/schema/openapi.json", ALL, 200),
    Line("GET", "/schema/openapi.yaml", "/schema/openapi.yaml", ALL, 200),
    Line("GET", "/schema", "/schema", (404,) * 5, 404),
    Line("GET", "/schema/{path:str}", "/schema/redoc", (404,) * 5, 404),
    Line("GET", "/metrics", "/metrics", (401, 401, 401, 401, 200), 401),
    Line("POST", "/login", "/login", (401,) * 5, 401, {"key": "shk_wrong"}),
    Line("POST", "/logout", "/logout", (303,) * 5, 303),
    # A page leads whoever may not see it to the login, and says of a signal that is not theirs that there is none.
    Line("GET", "/", "/", PAGES, 200, bad_key=303),
    Line("GET", "/signals/{signal_id:int}", "/signals/{momentum}", (303, 404, 200, 200, 200), 200, bad_key=303),
    Line("GET", "/signals/{signal_id:int}", "/signals/{breakout}", (303, 404, 404, 200, 200), 200, bad_key=303),
    Line("GET", "/login", "/login", ALL, 200),
    Line("GET", "/logout", "/logout", (303,) * 5, 303),
    Line("GET", "/static/{name:str}", "/static/page.css", ALL, 200),
    Line("GET", "/static/{name:str}", "/static/pages.py", (404,) * 5, 404),
    Line("GET", "/api/v1/session", "/api/v1/session", KEYS, 200),
    Line("GET", "/api/v1/signals", "/api/v1/signals", KEYS, 200),
    Line("GET", "/api/v1/signals/{signal_id:int}", "/api/v1/signals/{momentum}", (401, 404, 200, 200, 200), 200),
    Line("GET", "/api/v1/signals/{signal_id:int}", "/api/v1/signals/{breakout}", (401, 404, 404, 200, 200), 200),
    Line(
        *("POST", "/api/v1/signals/{signal_id:int}/feedback", "/api/v1/signals/{momentum}/feedback"),
        *((401, 404, 200, 200, 200), 401, {"rating": "taken"}),
    ),
    Line("GET", "/api/v1/preferences", "/api/v1/preferences", KEYS, 401),
    Line("PUT", "/api/v1/preferences", "/api/v1/preferences", KEYS, 401, {"min_score": 60}),
    Line("POST", "/api/v1/preferences/test", "/api/v1/preferences/test", (401, *(202,) * 4), 401),
    Line("GET", "/api/v1/instruments", "/api/v1/instruments", KEYS, 200),
    Line("GET", f"{MARKET}/{{symbol:str}}", f"{MARKET}/BTC-USDT", KEYS, 200),
    Line("GET", f"{MARKET}/{{symbol:str}}/history", f"{MARKET}/BTC-USDT/history", KEYS, 200),
    *(
        Line("GET", f"{PERFORMANCE}/{name}", f"{PERFORMANCE}/{name}", KEYS, 200)
        for name in ("strategies", "instruments", "timeframes", "daily", "equity")
    ),
    Line("GET", "/api/v1/deliveries", "/api/v1/deliveries", KEYS, 401),
    Line("GET", "/api/v1/deliveries", "/api/v1/deliveries?subscriber=analyst", OPERATORS, 403),
    Line("GET", "/api/v1/decisions", "/api/v1/decisions", KEYS, 401),
    Line("GET", "/api/v1/decisions", "/api/v1/decisions?subscriber=*", OPERATORS, 403),
    Line("POST", "/api/v1/admin/generate", "/api/v1/admin/generate", OPERATORS, 401, {"mode": "database"}),
    Line("GET", "/api/v1/admin/status", "/api/v1/admin/status", OPERATORS, 401),
    # Its clients are tried in test_api_feed.py.
    Line("WEBSOCKET", "/ws/feed", "/ws/feed", ALL, 200),
)


def asked(client: TestClient[Litestar], line: Line, path: str, headers: dict[str, str]) -> int:
    body: dict[str, Any] = {"data": line.body} if line.template == "/login" else {"json": line.body}
    given = body if line.body is not None else {}
    return client.request(line.method, path, headers=headers, follow_redirects=False, **given).status_code


def expected(line: Line) -> dict[str, int]:
    return dict(zip(ROLES[:5], line.statuses, strict=True)) | dict.fromkeys(ROLES[5:], line.bad_key)


def test_every_route_lets_in_whom_it_should_and_nobody_else(database: Database) -> None:
    town = settled(database)
    found: dict[tuple[str, str, str], int] = {}
    wanted: dict[tuple[str, str, str], int] = {}
    with TestClient(create_site(database, CLOSED)) as client:
        client.app.state.edge.doorkeeper.failures.per_minute = 1_000_000
        for line in (line for line in MATRIX if line.method != "WEBSOCKET"):
            path = line.path.replace("{momentum}", str(town.momentum)).replace("{breakout}", str(town.breakout))
            for who, status in expected(line).items():
                wanted[line.method, line.path, who] = status
                found[line.method, line.path, who] = asked(client, line, path, town.headers(who))
    assert found == wanted


def test_where_the_page_is_open_anybody_reads_and_nobody_writes(database: Database) -> None:
    town = settled(database)
    found: dict[tuple[str, str], int] = {}
    with TestClient(create_site(database, OPEN), base_url=HERE) as client:
        for line in (line for line in MATRIX if line.method != "WEBSOCKET"):
            path = line.path.replace("{momentum}", str(town.momentum)).replace("{breakout}", str(town.breakout))
            found[line.method, line.path] = asked(client, line, path, {})
    assert found == {(line.method, line.path): line.reader for line in MATRIX if line.method != "WEBSOCKET"}


def test_every_route_has_a_line_in_the_matrix(database: Database) -> None:
    routes = create_site(database, CLOSED).routes
    there = {
        (method, route.path)
        for route in routes
        for method in (getattr(route, "methods", None) or {"WEBSOCKET"})
        if method != "OPTIONS"
    }
    assert there == {(line.method, line.template) for line in MATRIX}
