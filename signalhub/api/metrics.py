"""Metrics for Prometheus: this process's counters, and what the database says, read when asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotAuthorizedException
from litestar.openapi.datastructures import ResponseSpec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from signalhub import __version__, clock
from signalhub.api import problems
from signalhub.api.access import ANYONE, OPERATOR
from signalhub.api.auth import LOOPBACK
from signalhub.api.edge import AccessDependency, Edge, EdgeDependency
from signalhub.api.guards import names_this_machine
from signalhub.db.queries import Queries

_SQL = Queries("api/metrics")
_TEXT = "text/plain; version=0.0.4; charset=utf-8"


class OfTheDatabase(Collector):
    """What is stored: signals, outcomes, the outbox, and when each part was last seen."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def collect(self) -> Iterator[Metric]:
        """One gauge per query, labelled by its columns but the last."""
        now = clock.now()
        with self._edge.database.transaction() as connection:
            for name, (told, labels) in _GAUGES.items():
                gauge = GaugeMetricFamily(f"signalhub_{name}", told, labels=labels)
                for row in _SQL.rows(connection, name, now=now):
                    gauge.add_metric([str(row[label]) for label in labels], float(row["value"]))
                yield gauge


class OfTheProcess(Collector):
    """What this process did."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def collect(self) -> Iterator[Metric]:
        """Answers, the memory of answers, live clients."""
        edge = self._edge
        yield _served(edge)
        memory = CounterMetricFamily("signalhub_answers", "Lists answered from memory or made.", labels=["source"])
        memory.add_metric(["memory"], edge.answers.hits)
        memory.add_metric(["database"], edge.answers.misses)
        yield memory
        yield GaugeMetricFamily("signalhub_live_clients", "WebSockets that are open.", edge.feed.clients)
        listening = "Whether the database's announcements are heard."
        yield GaugeMetricFamily("signalhub_listening", listening, float(edge.listening.is_connected))
        version = GaugeMetricFamily("signalhub_build", "Always 1.", labels=["version"])
        version.add_metric([__version__], 1)
        yield version


_GAUGES: dict[str, tuple[str, list[str]]] = {
    "signals": ("Signals on record.", ["origin", "strategy", "status"]),
    "messages": ("Messages of the outbox.", ["channel", "status"]),
    "oldest_due_seconds": ("How long the oldest message that is due has waited.", ["channel"]),
    "attempts": ("Tries to send a message, as far as they are kept.", ["channel", "verdict"]),
    "instruments": ("Active instruments, by whether their bars are behind the clock.", ["state"]),
    "evaluation_milliseconds": ("How long the newest close took, all strategies together.", ["origin", "timeframe"]),
    "part_seen_seconds": ("Since a part of the service said that it works.", ["part"]),
    "settled_lag_seconds": ("Since the newest settled close.", ["timeframe"]),
}


def _served(edge: Edge) -> SummaryMetricFamily:
    summary = SummaryMetricFamily(
        "signalhub_http_seconds", "Answers and the seconds they took.", labels=["method", "path", "status"]
    )
    for (method, path, status), served in sorted(edge.counts.served.items()):
        summary.add_metric([method, path, str(status)], served.answers, served.seconds)
    return summary


@get(
    "/metrics",
    opt={"role": ANYONE},
    sync_to_thread=True,
    summary="Metrics",
    description="In Prometheus' text format: for operators' keys, and for programs of this machine.",
    responses={
        200: ResponseSpec(str, description="Metrics.", media_type="text/plain", generate_examples=False),
        **problems.documented(401, 429, 503),
    },
    tags=["operation"],
)
def metrics(request: Request[Any, Any, Any], edge: EdgeDependency, access: AccessDependency) -> Response[bytes]:
    """Everything that is counted."""
    if not access.may(OPERATOR) and not _is_of_this_machine(request):
        raise NotAuthorizedException("This needs the key of an operator, or a program of this machine.")
    registry = CollectorRegistry()
    registry.register(OfTheProcess(edge))
    registry.register(OfTheDatabase(edge))
    return Response(generate_latest(registry), media_type=_TEXT)


def _is_of_this_machine(request: Request[Any, Any, Any]) -> bool:
    """A proxy of this machine asks for others: it says so, or passes on the name they asked for."""
    host = request.client.host if request.client else ""
    is_passed_on = any(name in request.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via"))
    return host in LOOPBACK and names_this_machine(request) and not is_passed_on
