"""How long bars are kept: terms that fit together, and what is said of those that do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from signalhub import settings
from signalhub.errors import SettingsInvalid

NO_FILE = Path("no such file")


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"1M": 1},
        {"1M": 7, "5M": 7},
        {"1M": 7, "5M": 30, "15M": 30, "1H": 365},
        {"1D": 500, "4H": 84, "1H": 21, "15M": 6, "5M": 2, "1M": 1},
    ],
)
def test_terms_that_fit_are_taken(terms: dict[str, int]) -> None:
    settings.load({f"SIGNALHUB_KEEP_BARS_{key}_DAYS": str(days) for key, days in terms.items()}, NO_FILE)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"1M": 7, "5M": 6}, "SIGNALHUB_KEEP_BARS_5M_DAYS is 6, but 1m bars are kept 7 days"),
        ({"5M": 30}, "SIGNALHUB_KEEP_BARS_5M_DAYS is 30, but 1m bars are kept for ever"),
        ({"1M": 1, "5M": 2, "15M": 5}, "SIGNALHUB_KEEP_BARS_15M_DAYS is 5: 500 bars need 6 days"),
    ],
)
def test_terms_that_do_not_fit_refuse_to_start(terms: dict[str, int], said: str) -> None:
    with pytest.raises(SettingsInvalid, match=said):
        settings.load({f"SIGNALHUB_KEEP_BARS_{key}_DAYS": str(days) for key, days in terms.items()}, NO_FILE)
