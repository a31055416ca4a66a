"""Health over HTTP, for operators and their monitors: 200 while it works, 503 when it does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from litestar import Controller, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example

from signalhub import __version__, clock
from signalhub.api.access import ANYONE, SUBSCRIBER
from signalhub.api.edge import AccessDependency
from signalhub.api.parameters import DatabaseDependency
from signalhub.domain.timeframe import H1
from signalhub.jobs.health import Condition, Health, health


@dataclass(frozen=True)
class State:
    """How a part is, with one line for those who have a key."""

    status: Condition
    detail: str | None = None


@dataclass(frozen=True)
class HealthReport:
    """The worst of the parts and the parts. Reasons, version and newest settled closes are for those with a key."""

    status: Condition
    components: dict[str, State]
    version: str | None = None
    newest_close: dict[str, datetime | None] | None = None

    @classmethod
    def of(cls, found: Health) -> HealthReport:
        """The report as it goes over the wire."""
        components = {name: State(part.status, part.detail) for name, part in found.components.items()}
        return cls(found.status, components, __version__, found.newest_close)

    def in_public(self) -> HealthReport:
        """Without what does not concern everybody."""
        return HealthReport(self.status, {name: State(part.status) for name, part in self.components.items()})


_HEALTHY = HealthReport(
    status=Condition.HEALTHY,
    version=__version__,
    components={"database": State(Condition.HEALTHY, "answers, edition timescale")},
    newest_close={H1.code: datetime(2026, 1, 2, 3, tzinfo=UTC)},
)
_CRITICAL = HealthReport(
    status=Condition.CRITICAL,
    version=__version__,
    components={"database": State(Condition.CRITICAL, "does not answer")},
    newest_close={},
)


def _documented(description: str, example: HealthReport) -> ResponseSpec:
    examples = [Example(summary=example.status.value, value=example)]
    return ResponseSpec(HealthReport, generate_examples=False, description=description, examples=examples)


class HealthCheck(Controller):
    """How the parts are."""

    path = "/health"
    tags = ("operation",)
    opt = {"role": ANYONE}  # noqa: RUF012 — Litestar's attribute.

    @get(
        sync_to_thread=True,
        summary="Health",
        description="HEALTHY; DEGRADED when something is missing or late; CRITICAL (503) when a part does not work. "
        "Without a key only the states are told.",
        responses={
            200: _documented("It works; DEGRADED says what is missing or late.", _HEALTHY),
            503: _documented("It does not work.", _CRITICAL),
        },
    )
    def check(self, database: DatabaseDependency, access: AccessDependency) -> Response[HealthReport]:
        """The health of the parts."""
        report = HealthReport.of(health(database, clock.now()))
        report = report if access.may(SUBSCRIBER) else report.in_public()
        return Response(report, status_code=503 if report.status is Condition.CRITICAL else 200)
