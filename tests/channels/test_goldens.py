"""The messages as people get them, word for word, beside the files in golden/.

This file is their generator too: SIGNALHUB_TEST_WRITE_GOLDENS=yes writes them anew, to be looked at in the diff.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import psycopg
import pytest

from signalhub.channels.base import Content
from signalhub.db.connection import Connection
from signalhub.outbox.queue import Claimed
from tests.channels import scenes

GOLDEN = Path(__file__).parent / "golden"
MONDAY = date(2025, 12, 29)
QUIET_DAY = date(2025, 12, 2)

SCENES: dict[str, Callable[[Connection], Claimed]] = {
    "alert": lambda connection: scenes.message("alert", signal_id=scenes.bitcoin(connection)),
    "alert_simulated": lambda connection: scenes.message("alert", signal_id=scenes.simulated_short(connection)),
    "close_target": lambda connection: scenes.message("close", signal_id=scenes.bitcoin(connection, scenes.HIT)),
    "close_ambiguous": lambda connection: scenes.message("close", signal_id=scenes.bitcoin(connection, scenes.STOPPED)),
    "close_unfilled": lambda connection: scenes.message("close", signal_id=scenes.bitcoin(connection, scenes.MISSED)),
    "close_gapped": lambda connection: scenes.message("close", signal_id=scenes.bitcoin(connection, scenes.GAPPED)),
    "daily_digest": lambda connection: scenes.digest("daily_digest", scenes.lively_day(connection)),
    "daily_digest_of_a_quiet_day": lambda connection: scenes.digest(
        "daily_digest", scenes.lively_day(connection), QUIET_DAY
    ),
    "weekly_performance": lambda connection: scenes.digest("weekly_performance", scenes.lively_day(connection), MONDAY),
    "test": lambda _: scenes.message("test"),
}
WRITTEN: dict[str, Callable[[Content], dict[str, str]]] = {
    "email": lambda content: {"email.txt": f"{content.subject}\n\n{content.text}", "email.html": content.html},
    "telegram": lambda content: {"telegram.html": content.text},
    "webhook": lambda content: {"webhook.json": json.dumps(content.data, indent=1, ensure_ascii=False) + "\n"},
}


@pytest.mark.parametrize("channel", WRITTEN)
@pytest.mark.parametrize("scene", SCENES)
def test_a_message_says_what_its_golden_file_says(connection: psycopg.Connection, scene: str, channel: str) -> None:
    scenes.number_from(connection)
    what = SCENES[scene](connection)
    for ending, text in WRITTEN[channel](scenes.rendered(connection, channel, what)).items():
        # Made-up inputs are numbered through the session.
        told = scenes.without_hash(text)
        golden = GOLDEN / f"{scene}.{ending}"
        if os.environ.get("SIGNALHUB_TEST_WRITE_GOLDENS"):
            golden.write_text(told, encoding="utf-8")
        assert told == golden.read_text(encoding="utf-8")


def test_every_golden_file_belongs_to_a_scene() -> None:
    endings = ("email.txt", "email.html", "telegram.html", "webhook.json")
    assert sorted(path.name for path in GOLDEN.iterdir()) == sorted(
        f"{scene}.{ending}" for scene in SCENES for ending in endings
    )
