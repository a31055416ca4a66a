"""The volume profile and its value area in plain Python."""

from __future__ import annotations

Bar = tuple[float, float, float]
"""High, low, volume."""


def plain_profile(bars: list[Bar], bins: int) -> list[float]:
    """The volume of each bin."""
    lowest, highest = min(low for _, low, _ in bars), max(high for high, _, _ in bars)
    volumes = [0.0] * bins
    for high, low, volume in bars:
        for number in range(bins):
            start = lowest + (highest - lowest) * number / bins
            end = lowest + (highest - lowest) * (number + 1) / bins
            if high > low:
                volumes[number] += volume * max(0.0, min(high, end) - max(low, start)) / (high - low)
            elif start <= low < end or (number == bins - 1 and low >= end) or (number == 0 and lowest == highest):
                volumes[number] += volume
                break
    return volumes


def plain_area(volumes: list[float], share: float) -> tuple[int, int, int]:
    """Number of the peak, of the first and of the last bin of the value area, from 0."""
    middle = (len(volumes) - 1) / 2
    peak = min(range(len(volumes)), key=lambda number: (-volumes[number], abs(number - middle), number))
    first = last = peak
    while sum(volumes[first : last + 1]) < share * sum(volumes) * (1 - 1e-12) and last - first + 1 < len(volumes):
        above = volumes[last + 1] if last + 1 < len(volumes) else -1.0
        below = volumes[first - 1] if first > 0 else -1.0
        first, last = (first, last + 1) if above >= below else (first - 1, last)
    return peak, first, last
