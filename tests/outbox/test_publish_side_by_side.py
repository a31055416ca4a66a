"""Two publications at once: what one decided counts for the other."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from signalhub.db.engine import Database
from signalhub.outbox import publish
from tests.outbox_stage import NOW, add_signal, add_subscriber, decisions, published


def test_two_that_are_published_at_once_keep_to_a_daily_cap_together(database: Database) -> None:
    with database.transaction() as connection:
        add_subscriber(connection, wants={"daily_cap": 2})
        published(connection)
        first, second = (add_signal(connection, symbol) for symbol in ("ETH/USDT", "SOL/USDT"))

    def publish_second() -> None:
        with database.transaction() as connection:
            publish.publish(connection, [second], NOW)

    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as connection:
            publish.publish(connection, [first], NOW)
            other = pool.submit(publish_second)
            time.sleep(0.5)  # it comes as far as it can while this one is not committed
            assert not other.done()
        other.result(timeout=30)
    with database.transaction() as connection:
        reasons = {row["signal_id"]: row["reason"] for row in decisions(connection)}
    assert (reasons[first], reasons[second]) == ("wanted", "daily_cap")
