"""The pages: the table of signals, one signal, login and logout. Whoever may not see one is led to the login."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import PathParameter, QueryParameter
from litestar.response import Redirect
from markupsafe import Markup

from signalhub.api import problems
from signalhub.api.access import ANYONE, SUBSCRIBER, Access
from signalhub.api.edge import AccessDependency, EdgeDependency
from signalhub.db.engine import Database
from signalhub.errors import NotFound
from signalhub.signals import read
from signalhub.web import candles, rendering, table
from signalhub.web.chart import SIZES, draw

_TAB = QueryParameter(description="Which signals.")
_CURSOR = QueryParameter(description="Where the page begins.")
_NEXT = QueryParameter(description="Where to go after the login.")
_FAILED = QueryParameter(description="The key opened nothing.")
_WAIT = QueryParameter(description="Seconds to wait after too many wrong keys.", ge=0)


def as_page(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """What went wrong, as a page; whoever may not see the page asked for is led to the login."""
    answer = problems.respond(request, error)
    if isinstance(answer, Redirect):
        return answer
    problem = answer.content
    access = request.scope.get("user")
    settings = request.app.state.edge.settings
    page = rendering.answer("problem.html.j2", problem.status, problem=problem, access=access, settings=settings)
    page.headers.update(answer.headers)
    return page


@get(
    "/",
    opt={"role": SUBSCRIBER, "page": True, "parameters": ("tab", "cursor")},
    include_in_schema=False,
    sync_to_thread=True,
    exception_handlers={Exception: as_page},
)
def signals(
    request: Request[Any, Any, Any],
    edge: EdgeDependency,
    access: AccessDependency,
    tab: Annotated[str, _TAB] = table.TABS[0].name,
    cursor: Annotated[str | None, _CURSOR] = None,
) -> Response[str]:
    """The live table."""
    chosen = table.tab(tab)
    kept = request.app.state.kept_rows
    question = chosen.name, cursor, access.visible
    rows = kept.get(question)
    if rows is None:
        generation = edge.listening.generation
        with edge.database.transaction() as connection:
            rows = table.rows(connection, chosen, cursor, access.visible)
        kept.put(question, rows, generation)
    shown: dict[str, Any] = {"rows": Markup(rows), "tabs": table.TABS, "tab": chosen}
    return rendering.answer("signals.html.j2", **shown, access=access, settings=edge.settings)


@get(
    "/signals/{signal_id:int}",
    opt={"role": SUBSCRIBER, "page": True},
    include_in_schema=False,
    sync_to_thread=True,
    exception_handlers={Exception: as_page},
)
def signal(
    edge: EdgeDependency,
    access: AccessDependency,
    signal_id: Annotated[int, PathParameter(description="Id of the signal.")],
) -> Response[str]:
    """One signal with its chart."""
    return rendering.answer("signal.html.j2", **_facts(edge.database, signal_id, access), settings=edge.settings)


@get(
    "/login",
    opt={"role": ANYONE, "parameters": ("next", "failed", "wait")},
    include_in_schema=False,
    sync_to_thread=False,
    exception_handlers={Exception: as_page},
)
def login(
    edge: EdgeDependency,
    access: AccessDependency,
    next_: Annotated[str, QueryParameter(name="next", description=_NEXT.description)] = "/",
    failed: Annotated[str, _FAILED] = "",
    wait: Annotated[int, _WAIT] = 0,
) -> Response[Any]:
    """Asks for a key; api/login.py takes it."""
    if access.session is not None:
        return Redirect("/", status_code=303)
    said: dict[str, Any] = {"next": next_, "has_failed": bool(failed), "wait": wait}
    return rendering.answer("login.html.j2", **said, access=access, settings=edge.settings)


@get(
    "/logout",
    opt={"role": ANYONE},
    include_in_schema=False,
    sync_to_thread=False,
    exception_handlers={Exception: as_page},
)
def logout(edge: EdgeDependency, access: AccessDependency) -> Response[Any]:
    """Asks whether to log out; following a link must not do it."""
    if access.session is None:
        return Redirect("/login", status_code=303)
    return rendering.answer("logout.html.j2", access=access, settings=edge.settings)


def _facts(database: Database, signal_id: int, access: Access) -> dict[str, Any]:
    with database.transaction() as connection:
        row = read.one(connection, signal_id, access.visible)
        if row is None:
            raise NotFound(f"There is no signal {signal_id}, or it is of a strategy that you do not have.")
        bars = candles.around(connection, row)
    charted = candles.charted(row)
    # Made of escaped text by chart.py.
    charts = [Markup(draw(charted, bars, size)) for size in SIZES] if bars else []
    return {"signal": row, "candles": bars, "charts": charts, "access": access}
