"""Settings: the environment before .env, and a wrong key is named with where it stands and what was expected."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from signalhub import settings
from signalhub.errors import SettingsInvalid
from signalhub.settings import Settings, load

NO_FILE = Path("does-not-exist.env")
OTHER = {"HOME": "/home/somebody"}
"""An environment without any setting of ours."""


def dotenv(folder: Path, text: str) -> Path:
    path = folder / ".env"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_any_key_the_defaults_hold() -> None:
    assert load(OTHER, NO_FILE) == Settings()


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    path = dotenv(tmp_path, "SIGNALHUB_FEE_BPS=1\nSIGNALHUB_API_PORT=9000\n")
    loaded = load({"SIGNALHUB_FEE_BPS": "2.5"}, path)
    assert (loaded.fee_bps, loaded.api_port) == (2.5, 9000)


def test_the_file_takes_comments_exports_quotes_and_keys_of_others(tmp_path: Path) -> None:
    path = dotenv(
        tmp_path,
        "# ours\n\nexport SIGNALHUB_MIN_SCORE = '60'\nSIGNALHUB_DEMO_EXCHANGE=\"kraken\"\nPOSTGRES_PASSWORD=a=b\n",
    )
    loaded = load(OTHER, path)
    assert (loaded.min_score, loaded.demo_exchange) == (60.0, "kraken")


def test_a_line_that_is_no_pair_is_named_with_its_number(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"\.env line 2 is not KEY=value: 'nonsense'"):
        load(OTHER, dotenv(tmp_path, "SIGNALHUB_FEE_BPS=1\nnonsense\n"))


def test_an_unknown_key_is_refused_and_the_known_ones_are_listed(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"SIGNALHUB_FEES in the environment is no setting.*SIGNALHUB_FEE_BPS"):
        load({"SIGNALHUB_FEES": "1"}, NO_FILE)
    with pytest.raises(SettingsInvalid, match=r"SIGNALHUB_FEES in .*\.env is no setting"):
        load(OTHER, dotenv(tmp_path, "SIGNALHUB_FEES=1"))


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("FEE_BPS", "much"),
        ("FEE_BPS", "-1"),
        ("SLIPPAGE_BPS", "nan"),
        ("LOOKBACK_HOURS", "inf"),
        ("API_PORT", "8000.5"),
        ("DATABASE_URL", "mysql://somewhere"),
    ],
)
def test_a_wrong_value_is_refused_by_name(key: str, text: str) -> None:
    with pytest.raises(SettingsInvalid, match=f"SIGNALHUB_{key} in the environment is .*: expected "):
        load({f"SIGNALHUB_{key}": text}, NO_FILE)


def test_a_wrong_database_url_is_not_shown_for_it_may_hold_a_password() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load({"SIGNALHUB_DATABASE_URL": "postgres//me:secret@host/db"}, NO_FILE)
    assert "secret" not in str(caught.value)
    assert "not shown" in str(caught.value)


def test_keys_of_the_tests_and_empty_values_are_left_alone() -> None:
    environment = {"SIGNALHUB_TEST_SCALE": "1", "SIGNALHUB_TEST_ANYTHING": "x", "SIGNALHUB_FEE_BPS": ""}
    assert load(environment, NO_FILE) == Settings()


def test_the_home_is_an_absolute_folder() -> None:
    assert load({"SIGNALHUB_HOME": "~/hub"}, NO_FILE).home == Path.home() / "hub"
    assert load({"SIGNALHUB_HOME": "hub"}, NO_FILE).home == Path.cwd() / "hub"


def test_every_setting_can_be_read_from_its_key() -> None:
    assert set(settings._READERS) == {field.name for field in dataclasses.fields(Settings)}


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().fee_bps = 1.0  # type: ignore[misc]  # that is what must fail
    assert Settings().replace(fee_bps=1.0).fee_bps == 1.0
