"""Levels: entry at the close, stop and target by multiples of ATR or from structure, rounded to the tick.

The stop is rounded away from entry and the target towards it, so that rounding never flatters the ratio. What people
are shown keeps the tick's digits.
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from signalhub.domain.signal import Direction, Levels, Size
from signalhub.strategies.base import shown

NO_TICK_DIGITS = 10
_HUNDREDTH, _TEN_THOUSANDTH = Decimal("0.01"), Decimal("0.0001")


def atr_levels(
    direction: Direction, close: float, atr: float, multiples: tuple[float, float], tick: Decimal | None
) -> Levels | None:
    """Levels from ATR; None when rounding leaves no risk or no reward (`risk_below_tick`).

    Units: quote currency. `multiples` are (stop, target) in ATR. Without a tick: 10 significant digits.
    """
    exact, risk, sign = Decimal(repr(close)), Decimal(repr(atr)), direction.sign
    stop_at, target_at = exact - sign * risk * _decimal(multiples[0]), exact + sign * risk * _decimal(multiples[1])
    return _levels(direction, exact, stop_at, target_at, tick)


def structure_levels(
    direction: Direction, close: float, found: tuple[float, float], tick: Decimal | None
) -> Levels | None:
    """Levels from the chart's structure, `found` being exact (stop, target); None as for those from ATR.

    Units: quote currency.
    """
    if not all(math.isfinite(price) for price in found):
        return None
    stop_at, target_at = (_decimal(price) for price in found)
    return _levels(direction, _decimal(close), stop_at, target_at, tick)


def _levels(
    direction: Direction, exact: Decimal, stop_at: Decimal, target_at: Decimal, tick: Decimal | None
) -> Levels | None:
    step, sign = tick or _step(exact), direction.sign
    # Downwards is away from a long's entry for the stop and towards it for the target; a short mirrors both.
    rounding = ROUND_FLOOR if direction is Direction.LONG else ROUND_CEILING
    entry = _rounded(exact, step, ROUND_HALF_EVEN)
    stop, target = _rounded(stop_at, step, rounding), _rounded(target_at, step, rounding)
    in_order = sign * stop < sign * entry < sign * target and min(stop, target) > 0
    return Levels(entry, stop, target) if in_order else None


def size_of(levels: Levels, risk_pct: Decimal, max_position_pct: Decimal) -> Size:
    """How much of the equity to put in, so that the stop costs `risk_pct` of it; never more than `max_position_pct`.

    Rounded down to hundredths of a percent; what the stop costs at that size, to ten-thousandths.
    """
    at_risk = abs(levels.entry - levels.stop) / levels.entry
    position = min(risk_pct / at_risk, max_position_pct).quantize(_HUNDREDTH, ROUND_FLOOR)
    return Size(position, (position * at_risk).quantize(_TEN_THOUSANDTH, ROUND_HALF_EVEN))


def shown_level(level: Decimal) -> str:
    """A level for people: on the tick as it is; one without a tick has ten digits, of which people read seven."""
    return f"{level:,f}" if _is_on_tick(level) else shown(float(level))


def shown_price(price: float, level: Decimal) -> str:
    """A traded price for people, with as many decimals as the signal's levels have."""
    if not _is_on_tick(level):
        return shown(price)
    return f"{price:,.{max(0, -int(level.as_tuple().exponent))}f}"


def _is_on_tick(level: Decimal) -> bool:
    return len(level.as_tuple().digits) < NO_TICK_DIGITS


def _decimal(multiple: float) -> Decimal:
    return Decimal(repr(multiple))


def _step(price: Decimal) -> Decimal:
    return Decimal(1).scaleb(price.adjusted() - NO_TICK_DIGITS + 1)


def _rounded(price: Decimal, step: Decimal, rounding: str) -> Decimal:
    # Quantized, so that 4372.90 keeps the zero its tick gives it.
    return ((price / step).to_integral_value(rounding) * step).quantize(step)
