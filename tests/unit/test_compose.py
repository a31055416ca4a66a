"""docker-compose.yml and the files it mounts, as far as one can tell without a Docker engine: they fit together."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from signalhub.cli.app import cli
from signalhub.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs/operations"
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
VARIABLE = re.compile(r"\$\{(\w+)((?::?[-?+])[^}]*)?\}")
SECRET = re.compile(r"PASSWORD|KEY|TOKEN|SECRET")


def read(name: str) -> Any:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return json.loads(text) if name.endswith(".json") else yaml.safe_load(text)


def mounts(service: str) -> dict[str, str]:
    """Path in the container → what is mounted there."""
    return {entry.split(":")[1]: entry.split(":")[0] for entry in SERVICES[service].get("volumes", [])}


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read("grafana/signalhub.json")["panels"]
    return found


# --- the services


def test_there_is_everything_that_a_try_out_takes() -> None:
    assert set(SERVICES) >= {"timescaledb", "migrate", "signalhub", "mailpit", "prometheus", "grafana"}
    assert SERVICES["signalhub"]["command"] == ["run"]
    assert SERVICES["migrate"]["command"] == ["migrate"]


def test_who_waits_for_another_waits_for_something_that_can_come() -> None:
    for name, service in SERVICES.items():
        waits = service.get("depends_on", {})
        for other, how in (waits if isinstance(waits, dict) else {other: {} for other in waits}).items():
            assert other in SERVICES, (name, other)
            condition = how.get("condition", "service_started")
            assert condition != "service_healthy" or "healthcheck" in SERVICES[other], (name, other)
            # Something that is started again whenever it ends never completes.
            ends = "restart" not in SERVICES[other]
            assert (condition == "service_completed_successfully") <= ends, (name, other)


def test_volumes_and_secrets_are_declared_and_used_and_files_are_there() -> None:
    sources = {source for service in SERVICES for source in mounts(service).values()}
    named = {source for source in sources if not source.startswith(".")}
    assert named == set(COMPOSE["volumes"])
    files = {source for source in sources if source.startswith("./docs/")}
    assert files
    assert [source for source in files if not (ROOT / source).is_file()] == []
    assert {name for service in SERVICES.values() for name in service.get("secrets", [])} == set(COMPOSE["secrets"])


def test_nothing_is_published_beyond_loopback() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) >= 4
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_passwords_come_from_env_and_a_missing_one_is_told() -> None:
    given = {name: [rest for key, rest in VARIABLE.findall(TEXT) if key == name] for name, _ in VARIABLE.findall(TEXT)}
    for name, rests in given.items():
        assert any(rest.startswith((":?", ":-")) for rest in rests), name
        assert not (SECRET.search(name) and any(rest.startswith(":-") for rest in rests)), name
    for service in SERVICES.values():
        for key, value in service.get("environment", {}).items():
            assert not SECRET.search(key) or str(value).startswith("${"), key
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    wanted = {name for name, rests in given.items() if any(rest.startswith(":?") for rest in rests)}
    wanted |= {secret["environment"] for secret in COMPOSE["secrets"].values()}
    assert [name for name in wanted if not re.search(rf"^(# )?{name}=", example, re.MULTILINE)] == []
    # In a .env beside it an unknown key with our prefix would keep Signalhub from starting.
    assert [name for name in wanted if name.startswith(PREFIX)] == []


def test_signalhub_is_told_nothing_that_it_would_refuse() -> None:
    known = {f"{PREFIX}{field.name.upper()}" for field in dataclasses.fields(Settings)}
    told = {key for name in ("migrate", "signalhub") for key in SERVICES[name]["environment"]}
    told |= {name for name, _ in VARIABLE.findall(TEXT) if name.startswith(PREFIX)}
    assert told <= known
    database = SERVICES["signalhub"]["environment"]["SIGNALHUB_DATABASE_URL"]
    assert "@timescaledb:5432/signalhub" in database


def test_the_home_that_is_mounted_is_the_one_that_is_used() -> None:
    home = SERVICES["signalhub"]["environment"]["SIGNALHUB_HOME"]
    assert mounts("signalhub")[home] == "home"
    assert f"signalhub {home}" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


# --- Prometheus


def test_prometheus_asks_the_api_where_it_listens_with_the_secret_it_is_given() -> None:
    config = read("prometheus.yml")
    (job,) = config["scrape_configs"]
    (target,) = (target for entry in job["static_configs"] for target in entry["targets"])
    host, _, port = target.partition(":")
    assert port == SERVICES[host]["environment"]["SIGNALHUB_API_PORT"]
    assert job["metrics_path"] == "/metrics"
    assert job["authorization"]["credentials_file"].removeprefix("/run/secrets/") in SERVICES["prometheus"]["secrets"]
    assert set(config["rule_files"]) <= set(mounts("prometheus"))
    started_with = dict(word.removeprefix("--").split("=") for word in SERVICES["prometheus"]["command"])
    assert mounts("prometheus")[started_with["config.file"]] == "./docs/operations/prometheus.yml"
    assert started_with["storage.tsdb.path"] in mounts("prometheus")


def test_the_operations_page_says_what_to_do_on_each_alarm_and_on_no_other() -> None:
    alarms = [rule["alert"] for group in read("alerts.yml")["groups"] for rule in group["rules"]]
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert len(alarms) > 5
    assert re.findall(r"^\| `(Signalhub\w+)`", page, re.MULTILINE) == alarms


# --- Grafana


def test_grafana_finds_its_data_sources_and_its_dashboard() -> None:
    sources = read("grafana/datasources.yml")["datasources"]
    for source in sources:
        host, _, port = source["url"].removeprefix("http://").partition(":")
        assert host in SERVICES
        assert port in ("9090", "5432")
        for secret in source.get("secureJsonData", {}).values():
            assert secret.removeprefix("$") in SERVICES["grafana"]["environment"]
    (provider,) = read("grafana/dashboards.yml")["providers"]
    mounted = mounts("grafana")
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert mounted[home] == "./docs/operations/grafana/signalhub.json"
    assert Path(home).parent.as_posix() == provider["options"]["path"]
    provisioned = {path for path in mounted if path.startswith("/etc/grafana/provisioning/")}
    assert {path.split("/")[4] for path in provisioned} == {"datasources", "dashboards"}
    asked = {target["datasource"]["uid"] for panel in panels() for target in panel["targets"]}
    assert asked == {source["uid"] for source in sources}
    types = {source["uid"]: source["type"] for source in sources}
    assert all(types[panel["datasource"]["uid"]] == panel["datasource"]["type"] for panel in panels())


def test_the_login_of_grafana_is_the_one_that_is_made() -> None:
    (analytics,) = (item for item in read("grafana/datasources.yml")["datasources"] if "user" in item)
    made = (FOLDER / "grafana/role.sql").read_text(encoding="utf-8")
    assert f"ALTER ROLE {analytics['user']} LOGIN PASSWORD :'password'" in made
    assert f"GRANT signalhub_analyst TO {analytics['user']}" in made
    assert "\\getenv password GRAFANA_DB_PASSWORD" in made
    assert "GRAFANA_DB_PASSWORD" in SERVICES["grafana-role"]["environment"]


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_a_panel_asks_something_and_lies_within_the_grid_alone(panel: dict[str, Any]) -> None:
    def cells(one: dict[str, Any]) -> set[tuple[int, int]]:
        at = one["gridPos"]
        return {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}

    assert panel["targets"]
    assert all(target.get("expr") or target.get("rawSql") for target in panel["targets"])
    assert max(x for x, _ in cells(panel)) < 24
    others = [other for other in panels() if other["title"] != panel["title"]]
    assert len(others) == len(panels()) - 1
    assert not any(cells(panel) & cells(other) for other in others)
    assert panel["id"] not in [other["id"] for other in others]


# --- systemd


def test_the_unit_runs_the_service_and_does_not_start_again_what_is_set_up_wrongly() -> None:
    unit = (FOLDER / "signalhub.service").read_text(encoding="utf-8")
    assert re.search(r"^ExecStart=/\S+/signalhub run$", unit, re.MULTILINE)
    assert "RestartPreventExitStatus=2\n" in unit
    assert "KillMode=mixed\n" in unit


# --- the pages


@pytest.mark.parametrize("page", ["operations.md", "api.md"])
def test_a_page_names_commands_and_settings_that_there_are(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    words = re.findall(
        r"(?:^ {4}(?:.*&& |\S+=\S+ |docker compose run --rm )?|`)signalhub (\w+)(?: (\w[\w-]*))?", text, re.MULTILINE
    )
    commands = cli.commands
    for command, second in words:
        assert command in commands, command
        group = commands[command]
        assert not isinstance(group, click.Group) or second in group.commands, (command, second)
    assert len(words) >= 1
    known = {f"{PREFIX}{field.name.upper()}" for field in dataclasses.fields(Settings)}
    named = {name for name in re.findall(r"SIGNALHUB_[A-Z_]*[A-Z]", text) if name != "SIGNALHUB_SMTP"}
    assert named <= known
