"""Servers on loopback that stand for the outside world and fail on script."""
