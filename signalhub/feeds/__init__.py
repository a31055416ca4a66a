"""Adapters that yield bars: an exchange, files, a simulator. One file each behind `base.py`."""
