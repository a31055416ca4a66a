"""The names of channels agree wherever they stand: plug-ins, preferences, and the fan-out's SQL."""

from __future__ import annotations

import re

from signalhub.channels.deliver import kinds
from signalhub.db.queries import Queries
from signalhub.subscribers.preferences import CHANNELS


def test_channels_preferences_and_the_fan_out_know_the_same_names() -> None:
    fan_out = Queries("outbox/publish").texts["publish"].decode()
    assert set(re.findall(r"'(\w+)' = ANY\(p\.channels\)", fan_out)) == set(CHANNELS) == set(kinds())
