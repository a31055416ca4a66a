"""Health over HTTP, for operators and their monitors: 200 while it works, 503 when it does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from litestar import Controller, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example

from signalhub import __version__, clock
from signalhub.api.parameters import DatabaseDependency
from signalhub.domain.timeframe import H1
from signalhub.jobs.health import Component, Condition, Health, health


@dataclass(frozen=True)
class HealthReport:
    """The worst of the parts, the parts, and the newest settled close per timeframe."""

    status: Condition
    version: str
    components: dict[str, Component]
    newest_close: dict[str, datetime | None]

    @classmethod
    def of(cls, found: Health) -> HealthReport:
        """The report as it goes over the wire."""
        return cls(found.status, __version__, found.components, found.newest_close)


_HEALTHY = HealthReport(
    status=Condition.HEALTHY,
    version=__version__,
    components={"database": Component(Condition.HEALTHY, "answers, edition timescale")},
    newest_close={H1.code: datetime(2026, 1, 2, 3, tzinfo=UTC)},
)
_CRITICAL = HealthReport(
    status=Condition.CRITICAL,
    version=__version__,
    components={"database": Component(Condition.CRITICAL, "does not answer")},
    newest_close={},
)


def _documented(description: str, example: HealthReport) -> ResponseSpec:
    examples = [Example(summary=example.status.value, value=example)]
    return ResponseSpec(HealthReport, generate_examples=False, description=description, examples=examples)


class HealthCheck(Controller):
    """How the parts are."""

    path = "/health"
    tags = ("operation",)

    @get(
        sync_to_thread=True,
        summary="Health",
        description="HEALTHY; DEGRADED when bars are missing or late; CRITICAL (503) when nothing can be read.",
        responses={
            200: _documented("It works; DEGRADED says what is missing or late.", _HEALTHY),
            503: _documented("It does not work.", _CRITICAL),
        },
    )
    def check(self, database: DatabaseDependency) -> Response[HealthReport]:
        """The health of the parts."""
        report = HealthReport.of(health(database, clock.now()))
        return Response(report, status_code=503 if report.status is Condition.CRITICAL else 200)
