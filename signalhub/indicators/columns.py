"""The indicator columns of market.indicators, by name + parameters."""

from __future__ import annotations

from signalhub.indicators.declared import POWERS, declared

INDICATOR_COLUMNS: tuple[str, ...] = tuple(item.name for item in declared().columns)

POWER: dict[str, int] = {item.name: POWERS[item.units[0]] for item in declared().columns}
"""Column → the power of the price factor of a split that it goes with: 1 a price, -1 a volume, 0 neither."""
